import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal, remoteServiceViaEgress, replacements } from '../../harness/mesh/profile.ts';
import { outboundSni, remoteService } from '../../harness/mesh/services.ts';
import { RemotePath } from '../../harness/scenario/remote-path.ts';
import { scenario } from '../../harness/scenario/scenario.ts';

const { host, port } = httpbinGlobal;
const other = 'tickets.example.global';
const otherSni = outboundSni(other, port.number);

/**
 * Walkthrough: "The egress gateway used in this configuration cannot also be used for other, non inter-cluster, egress
 * traffic."
 */
export default scenario(
  {
    id: 'egress-gateway/limits',
    section: 'Send remote traffic via an egress gateway › the documented limit',
    claims: {
      'serves-inter-cluster': 'the egress gateway serves inter-cluster traffic (the control of the limits below)',
      'network-view': 'it does not see endpoints outside of its network view: the cluster of another service is there, and empty',
      'only-15443': 'it listens for inter-cluster traffic on 15443 only: no listener takes other egress traffic on 80 or 443',
      'nobody-on-80': 'an HTTP request to it on port 80 finds nobody',
    },
    needs: { clusters: 2, loadBalancer: true, egressGateway: true, namespaces: ['foo', 'bar'], hosts: [httpbinGlobal, { host: other, address: '240.0.0.9', port }] },
    replaced: [replacements.networkView],
  },
  async ({ client, server, step, claim }) => {
    const [sleep] = await step('deploy', 'deploy sleep and httpbin', () => Promise.all([client.deploySleep('foo'), server.deployHttpbin('bar')]));
    const [egress, gateway] = await step('find-gateways', 'find both gateways', () => Promise.all([client.egressGateway(), server.ingressGateway()]));
    const [toEgress, toPeer] = [`${egress.address}:${egress.port}`, `${gateway.address}:${gateway.port}`];
    const path = new RemotePath({ client: sleep, service: httpbinGlobal, gateway, endpoint: toEgress, via: { gateway: egress, endpoint: toPeer } });
    await step('declare', 'lead httpbin.bar.global through the egress gateway', () =>
      client.apply(remoteServiceViaEgress({ ...httpbinGlobal, namespace: 'foo', name: 'httpbin-bar', resolution: 'STATIC', egress: egress.address, gateway: gateway.address })),
    );
    await step('declare-other', 'add another service, whose endpoint is not in the network “external”', () =>
      client.apply(remoteService({ host: other, namespace: 'foo', name: 'tickets', address: '240.0.0.9', port, resolution: 'STATIC', endpoints: [{ address: gateway.address, network: 'mesh', labels: { 'security.istio.io/tlsMode': 'istio' } }] })),
    );
    await step('expose', 'let the second cluster’s gateway know the .global name (profile modern)', () => server.apply(exposeHttpbin(server.httpbinPort)));
    await step('hold', 'wait until sidecar and gateways hold both', () => Promise.all([path.held(), egress.proxy.holds(`a cluster for ${other}`, (dump) => dump.cluster(otherSni) !== undefined)]));

    await claim('serves-inter-cluster', async () => {
      await expect(() => sleep.curl(`${host}:8000/headers`)).toEventuallyHaveStatus(200);
    });
    const inEgress = (): ReturnType<typeof egress.proxy.configDump> => egress.proxy.configDump();
    await claim('network-view', async () => {
      await expect(inEgress).toAlwaysHaveEndpoints(otherSni, []);
      await expect(inEgress).toAlwaysHaveEndpoints(path.sni, [toPeer]);
    });
    await claim('only-15443', async () => {
      expect(await inEgress()).toListenOn(15443);
      await expect(inEgress).not.toEverListenOn(80, 443, 8080, 8443);
    });
    await claim('nobody-on-80', async () => {
      await expect(() => sleep.curl(`http://${egress.hostname}/headers`, { headers: { host: 'example.com' }, maxSeconds: 5 })).toAlwaysHaveStatus(503);
    });
  },
);
