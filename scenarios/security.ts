import { expect } from 'vitest';
import { issueAuthorities, issueWorkload } from '../harness/mesh/certificate-authority.ts';
import { exposeHttpbin, httpbinGlobal } from '../harness/mesh/profile.ts';
import { exposedService, outboundSni, remoteService } from '../harness/mesh/services.ts';
import { RemotePath } from '../harness/scenario/remote-path.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const sni = outboundSni(host, port.number);
const unknown = outboundSni('nobody.bar.global', port.number);
const hidden = 'ledger.bar.internal';
/**
 * The gateway hangs up, by a reset or in order, before anybody has answered the client's first message: no upstream was
 * reached.
 */
const withoutAWord = /^(ECONNRESET|EOF)$/;

/**
 * Walkthrough: "cross-cluster traffic is mutual TLS under one root", and what the gateway between clusters must refuse.
 */
export default scenario(
  {
    id: 'security',
    section: 'Prerequisites › a common root CA; the gateway on port 15443',
    claims: {
      'member-served': 'a member of the mesh is served (the control of the refusals below)',
      'plain-text-refused': 'plain text on 15443 is refused',
      'other-root-refused': 'a client whose certificate is of another root is refused, for exactly that reason',
      'no-certificate-refused': 'a client without a certificate is refused',
      'unknown-sni': 'an SNI of a service that does not exist reaches no upstream',
      'other-hosts-hidden': 'AUTO_PASSTHROUGH serves hosts of *.local and *.global only: another host of the same pods stays hidden',
    },
    needs: { clusters: 2, loadBalancer: true, namespaces: ['foo', 'bar'], hosts: [httpbinGlobal, { host: hidden, port }] },
  },
  async ({ client, server, step, claim, containers }) => {
    const [sleep, httpbin] = await step('deploy', 'deploy sleep and httpbin', () => Promise.all([client.deploySleep('foo'), server.deployHttpbin('bar')]));
    const gateway = await step('find-gateway', 'find the gateway of the second cluster', () => server.ingressGateway());
    await step('expose', 'expose httpbin under its .global name, and the same pods under a host that is not meant for peers', () =>
      server.apply(exposeHttpbin(server.httpbinPort), exposedService({ host: hidden, namespace: 'bar', name: 'ledger', port: { ...port, targetPort: server.httpbinPort }, selector: { app: 'httpbin' } })),
    );
    await step('declare', 'create the ServiceEntry in the first cluster', () => client.apply(remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, endpoints: [{ address: gateway.address }] })));
    const path = new RemotePath({ client: sleep, service: httpbinGlobal, gateway });
    await step('hold', 'wait until the proxies hold the configuration, the hidden host included', () =>
      Promise.all([path.held(), httpbin.proxy.holds(`the hidden host ${hidden}`, (dump) => dump.outbound(hidden, port.number) !== undefined)]),
    );
    await claim('member-served', async () => {
      await expect(() => sleep.curl(`${host}:8000/headers`)).toEventuallyHaveStatus(200);
    });

    const at = { address: gateway.address, port: gateway.port, alpn: ['istio'] };
    await claim('plain-text-refused', async () => {
      await containers.client(async (client) => {
        await expect(() => client.curl(`http://${gateway.address}:${gateway.port}/headers`, { headers: { host } })).toAlwaysHaveNoAnswer();
      });
    });
    await claim('other-root-refused', async () => {
      const foreign = await issueAuthorities(['foreign']);
      const presents = foreign['foreign'] === undefined ? undefined : await issueWorkload(foreign['foreign'], sleep.identity);
      expect((await containers.greet({ ...at, sni, presents })).serverIdentities).toEqual(['spiffe://cluster.local/ns/bar/sa/httpbin']);
      await expect(() => containers.greet({ ...at, sni, presents })).toAlwaysBeRefusedBecause('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA');
    });
    await claim('no-certificate-refused', async () => {
      await expect(() => containers.greet({ ...at, sni })).toAlwaysBeRefusedBecause(/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/);
    });
    await claim('unknown-sni', async () => {
      await expect(() => containers.greet({ ...at, sni: unknown })).toAlwaysBeRefusedBecause(withoutAWord);
      await expect(() => gateway.proxy.configDump()).not.toEverHaveFilterChain(gateway.port, unknown);
    });
    await claim('other-hosts-hidden', async () => {
      const dump = await gateway.proxy.configDump();
      expect(dump.serverNames(gateway.port)).toContain(sni);
      expect(dump.serverNames(gateway.port).filter((name) => !/\.(local|global)$/.test(name))).toEqual([]);
      await expect(() => containers.greet({ ...at, sni: outboundSni(hidden, port.number) })).toAlwaysBeRefusedBecause(withoutAWord);
    });
  },
);
