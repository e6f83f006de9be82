import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal, remoteServiceViaEgress, replacements } from '../../harness/mesh/profile.ts';
import { clientIdentity } from '../../harness/probe/curl.ts';
import { upstreamsOf } from '../../harness/probe/flow.ts';
import { RemotePath } from '../../harness/scenario/remote-path.ts';
import { scenario } from '../../harness/scenario/scenario.ts';

const { host } = httpbinGlobal;

/** Walkthrough: "Send remote traffic via an egress gateway", tab "IP address". */
export default scenario(
  {
    id: 'egress-gateway/ip-address',
    section: 'Send remote traffic via an egress gateway › IP address',
    claims: {
      'call-succeeds': 'the call succeeds',
      identity: 'httpbin sees the identity of sleep: both gateways pass the TLS through',
      'sidecar-to-egress': 'the sidecar leads to the egress gateway',
      'no-other-endpoint': 'the sidecar knows no other endpoint: nothing can go direct',
      'egress-to-peer': 'the egress gateway leads this SNI to the peer’s gateway, and to nothing else',
      'passed-both': 'this very traffic passed both gateways under this SNI',
      'none-direct': 'of twenty requests none went direct',
    },
    needs: { clusters: 2, loadBalancer: true, egressGateway: true, namespaces: ['foo', 'bar'], hosts: [httpbinGlobal] },
    replaced: [replacements.networkView, replacements.sniRewrite],
    walkthrough: [
      { step: 'find-gateways', runs: 'send-remote-traffic-via-an-egress-gateway.1' },
      { step: 'declare', runs: 'send-remote-traffic-via-an-egress-gateway.2' },
    ],
  },
  async ({ client, server, step, claim }) => {
    const [sleep] = await step('deploy', 'deploy sleep and httpbin', () => Promise.all([client.deploySleep('foo'), server.deployHttpbin('bar')]));
    const [egress, gateway] = await step('find-gateways', 'find the address of the egress gateway, and of the peer’s gateway', () => Promise.all([client.egressGateway(), server.ingressGateway()]));
    const [toEgress, toPeer] = [`${egress.address}:${egress.port}`, `${gateway.address}:${gateway.port}`];
    const path = new RemotePath({ client: sleep, service: httpbinGlobal, gateway, endpoint: toEgress, via: { gateway: egress, endpoint: toPeer } });
    await step('expose', 'let the second cluster’s gateway know the .global name (profile modern)', () => server.apply(exposeHttpbin(server.httpbinPort)));
    await step('declare', 'replace the ServiceEntry: resolution STATIC, the peer’s gateway in network external, the egress gateway beside it', () =>
      client.apply(remoteServiceViaEgress({ ...httpbinGlobal, namespace: 'foo', name: 'httpbin-bar', resolution: 'STATIC', egress: egress.address, gateway: gateway.address })),
    );
    await step('hold', 'wait until sidecar and both gateways hold the configuration', () => path.held());

    const begun = new Date();
    const { value: calls, moved } = await step('call', 'call httpbin.bar.global twenty times', () => path.watch(() => sleep.curlTimes(20, `${host}:8000/headers`)));
    await claim('call-succeeds', () => {
      for (const call of calls) expect(call).toHaveStatus(200);
    });
    await claim('identity', () => {
      expect(calls.map((call) => clientIdentity(call)?.uri)).toEqual(calls.map(() => sleep.identity));
    });
    await claim('sidecar-to-egress', async () => {
      await expect(() => path.inSidecar()).toEventuallyReachTheEnd();
    });
    await claim('no-other-endpoint', async () => {
      await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(path.cluster, [toEgress]);
    });
    await claim('egress-to-peer', async () => {
      await expect(() => path.inEgress()).toEventuallyReachTheEnd();
      await expect(() => egress.proxy.configDump()).toAlwaysHaveEndpoints(path.sni, [toPeer]);
    });
    await claim('passed-both', () => {
      expect(moved).toHaveCarriedTraffic();
    });
    await claim('none-direct', async () => {
      expect(upstreamsOf(await sleep.proxy.accessLogOf(calls.map(({ requestId }) => requestId), begun))).toEqual({ [toEgress]: 20 });
    });
  },
);
