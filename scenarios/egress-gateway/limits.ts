import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal, remoteServiceViaEgress } from '../../harness/mesh/profile.ts';
import { outboundSni, remoteService } from '../../harness/mesh/services.ts';
import { endpointsFor } from '../../harness/probe/flow.ts';
import { traceGateway } from '../../harness/probe/trace.ts';
import { scenario } from '../../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const other = 'tickets.example.global';
const [sni, otherSni] = [outboundSni(host, port.number), outboundSni(other, port.number)];

/** Walkthrough: "The egress gateway used in this configuration cannot also be used for other, non inter-cluster, egress traffic." */
export default scenario(
  {
    id: 'egress-gateway/limits',
    section: 'Send remote traffic via an egress gateway › the documented limit',
    claims: [
      'the egress gateway serves inter-cluster traffic (the control of the limits below)',
      'it does not see endpoints outside of its network view: the cluster of another service is there, and empty',
      'it listens for inter-cluster traffic on 15443 only: no listener takes other egress traffic on 80 or 443',
      'an HTTP request to it on port 80 finds nobody',
    ],
    needs: { clusters: 2, loadBalancer: true, egressGateway: true },
  },
  async ({ west, east, step, claim }) => {
    const [sleep] = await step('deploy sleep and httpbin', () => Promise.all([west.deploySleep('foo'), east.deployHttpbin('bar')]));
    const [egress, gateway] = await step('find both gateways', () => Promise.all([west.egressGateway(), east.ingressGateway()]));
    const toPeer = `${gateway.address}:${gateway.port}`;
    await step('lead httpbin.bar.global through the egress gateway', () =>
      west.apply(remoteServiceViaEgress({ host, namespace: 'foo', name: 'httpbin-bar', address, port, resolution: 'STATIC', egress: egress.address, gateway: gateway.address })),
    );
    await step('add another service, whose endpoint is not in the network “external”', () =>
      west.apply(remoteService({ host: other, namespace: 'foo', name: 'tickets', address: '240.0.0.9', port, resolution: 'STATIC', endpoints: [{ address: gateway.address, network: 'mesh' }] })),
    );
    await step('let the second cluster’s gateway know the .global name (profile modern)', () => east.apply(exposeHttpbin(east.httpbinPort)));
    await step('wait until the egress gateway holds both', () =>
      Promise.all([
        egress.proxy.holdsPath((dump) => traceGateway(dump, egress.proxy.name, { port: egress.port, sni, endpoint: toPeer })),
        egress.proxy.holds(`a cluster for ${other}`, (dump) => dump.cluster(otherSni) !== undefined),
        sleep.proxy.holds(`a cluster for ${host}`, (dump) => dump.outbound(host, port.number) !== undefined),
      ]),
    );

    await claim('the egress gateway serves inter-cluster traffic (the control of the limits below)', async () => {
      expect(await sleep.curl(`${host}:8000/headers`)).toHaveStatus(200);
    });
    const dump = await step('read the egress gateway’s dump', () => egress.proxy.configDump());
    await claim('it does not see endpoints outside of its network view: the cluster of another service is there, and empty', () => {
      expect(dump.cluster(otherSni)?.name).toBe(otherSni);
      expect(endpointsFor(dump, otherSni)).toEqual([]);
      expect(endpointsFor(dump, sni)).toEqual([toPeer]);
    });
    await claim('it listens for inter-cluster traffic on 15443 only: no listener takes other egress traffic on 80 or 443', () => {
      expect([80, 443, 8080, 8443].map((number) => dump.listenerOn(number)?.name)).toEqual([undefined, undefined, undefined, undefined]);
      expect(dump.listenerOn(15443)?.name).toBe('0.0.0.0_15443');
    });
    await claim('an HTTP request to it on port 80 finds nobody', async () => {
      const reply = await sleep.curl(`http://${egress.hostname}/headers`, { headers: { host: 'example.com' }, maxSeconds: 5 });
      expect(reply.status).not.toBe(200);
    });
  },
);
