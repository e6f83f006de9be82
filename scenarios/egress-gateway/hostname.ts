import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal, remoteServiceViaEgress, replacements } from '../../harness/mesh/profile.ts';
import { clientIdentity } from '../../harness/probe/curl.ts';
import { upstreamsOf } from '../../harness/probe/flow.ts';
import { RemotePath } from '../../harness/scenario/remote-path.ts';
import { scenario } from '../../harness/scenario/scenario.ts';

const { host } = httpbinGlobal;

/** Walkthrough: "Send remote traffic via an egress gateway", tab "hostname": endpoints by name, resolution DNS. */
export default scenario(
  {
    id: 'egress-gateway/hostname',
    section: 'Send remote traffic via an egress gateway › hostname',
    claims: {
      'call-succeeds': 'the call succeeds, with the identity of sleep',
      'sidecar-to-egress': 'the sidecar leads to the egress gateway by its host name, and knows no other endpoint',
      'egress-to-peer': 'the egress gateway leads this SNI to the peer’s gateway, and to nothing else',
      'passed-both': 'this very traffic passed both gateways under this SNI',
      'all-to-address': 'of twenty requests all went to the address behind the host name',
    },
    needs: { clusters: 2, loadBalancer: true, egressGateway: true, namespaces: ['foo', 'bar'], hosts: [httpbinGlobal] },
    replaced: [replacements.networkView, replacements.sniRewrite],
    walkthrough: [{ step: 'declare', runs: 'send-remote-traffic-via-an-egress-gateway.3' }],
  },
  async ({ client, server, step, claim }) => {
    const [sleep] = await step('deploy', 'deploy sleep and httpbin', () => Promise.all([client.deploySleep('foo'), server.deployHttpbin('bar')]));
    const [egress, gateway] = await step('find-gateways', 'find both gateways', () => Promise.all([client.egressGateway(), server.ingressGateway()]));
    const [toEgress, toPeer] = [`${egress.hostname}:${egress.port}`, `${gateway.address}:${gateway.port}`];
    const path = new RemotePath({ client: sleep, service: httpbinGlobal, gateway, endpoint: toEgress, via: { gateway: egress, endpoint: toPeer } });
    await step('expose', 'let the second cluster’s gateway know the .global name (profile modern)', () => server.apply(exposeHttpbin(server.httpbinPort)));
    await step('declare', 'replace the ServiceEntry: resolution DNS, the egress gateway by its host name', () =>
      client.apply(remoteServiceViaEgress({ ...httpbinGlobal, namespace: 'foo', name: 'httpbin-bar', resolution: 'DNS', egress: egress.hostname, gateway: gateway.address })),
    );
    await step('hold', 'wait until sidecar and both gateways hold the configuration', () => path.held());

    const begun = new Date();
    const { value: calls, moved } = await step('call', 'call httpbin.bar.global twenty times', () => path.watch(() => sleep.curlTimes(20, `${host}:8000/headers`)));
    await claim('call-succeeds', () => {
      for (const call of calls) expect(call).toHaveStatus(200);
      expect(calls.map((call) => clientIdentity(call)?.uri)).toEqual(calls.map(() => sleep.identity));
    });
    await claim('sidecar-to-egress', async () => {
      await expect(() => path.inSidecar()).toEventuallyReachTheEnd();
      expect((await sleep.proxy.configDump()).cluster(path.cluster)?.type).toBe('STRICT_DNS');
      await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(path.cluster, [toEgress]);
    });
    await claim('egress-to-peer', async () => {
      await expect(() => path.inEgress()).toEventuallyReachTheEnd();
      await expect(() => egress.proxy.configDump()).toAlwaysHaveEndpoints(path.sni, [toPeer]);
    });
    await claim('passed-both', () => {
      expect(moved).toHaveCarriedTraffic();
    });
    await claim('all-to-address', async () => {
      const log = await sleep.proxy.accessLogOf(calls.map(({ requestId }) => requestId), begun);
      expect(upstreamsOf(log)).toEqual({ [`${egress.address}:${egress.port}`]: 20 });
    });
  },
);
