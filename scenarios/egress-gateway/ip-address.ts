import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal, remoteServiceViaEgress } from '../../harness/mesh/profile.ts';
import { outboundCluster, outboundSni } from '../../harness/mesh/services.ts';
import { clientIdentity } from '../../harness/probe/curl.ts';
import { endpointsFor, upstreamsOf, watchFlow } from '../../harness/probe/flow.ts';
import { traceGateway, traceOutbound } from '../../harness/probe/trace.ts';
import { scenario } from '../../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const sni = outboundSni(host, port.number);
const cluster = outboundCluster(host, port.number);

/** Walkthrough: "Send remote traffic via an egress gateway", tab "IP address". */
export default scenario(
  {
    id: 'egress-gateway/ip-address',
    section: 'Send remote traffic via an egress gateway › IP address',
    claims: [
      'the call succeeds',
      'httpbin sees the identity of sleep: both gateways pass the TLS through',
      'the sidecar leads to the egress gateway',
      'the sidecar knows no other endpoint: nothing can go direct',
      'the egress gateway leads this SNI to the peer’s gateway, and to nothing else',
      'this very traffic passed both gateways under this SNI',
      'of twenty requests none went direct',
    ],
    needs: { clusters: 2, loadBalancer: true, egressGateway: true },
  },
  async ({ west, east, step, claim }) => {
    const [sleep] = await step('deploy sleep and httpbin', () => Promise.all([west.deploySleep('foo'), east.deployHttpbin('bar')]));
    const [egress, gateway] = await step('find the address of the egress gateway, and of the peer’s gateway', () => Promise.all([west.egressGateway(), east.ingressGateway()]));
    await step('let the second cluster’s gateway know the .global name (profile modern)', () => east.apply(exposeHttpbin(east.httpbinPort)));
    await step('replace the ServiceEntry: resolution STATIC, the peer’s gateway in network external, the egress gateway beside it', () =>
      west.apply(remoteServiceViaEgress({ host, namespace: 'foo', name: 'httpbin-bar', address, port, resolution: 'STATIC', egress: egress.address, gateway: gateway.address })),
    );
    const [toEgress, toPeer] = [`${egress.address}:${egress.port}`, `${gateway.address}:${gateway.port}`];
    const outbound = { host, port: port.number, address, endpoint: toEgress, sni, cluster };
    await step('wait until sidecar and both gateways hold the configuration', () =>
      Promise.all([
        sleep.proxy.holdsPath((dump) => traceOutbound(dump, sleep.proxy.name, outbound)),
        egress.proxy.holdsPath((dump) => traceGateway(dump, egress.proxy.name, { port: egress.port, sni, endpoint: toPeer })),
        gateway.proxy.holdsPath((dump) => traceGateway(dump, gateway.proxy.name, { port: gateway.port, sni })),
      ]),
    );

    const begun = new Date();
    const watched = [egress.proxy, gateway.proxy].map((proxy) => ({ proxy, cluster: sni }));
    const { value: calls, moved } = await step('call httpbin.bar.global twenty times', () => watchFlow(watched, () => sleep.curlTimes(20, `${host}:8000/headers`)));
    await claim('the call succeeds', () => {
      for (const call of calls) expect(call).toHaveStatus(200);
    });
    await claim('httpbin sees the identity of sleep: both gateways pass the TLS through', () => {
      expect(calls.map((call) => clientIdentity(call)?.uri)).toEqual(calls.map(() => sleep.identity));
    });
    const [inSidecar, inEgress] = await step('read the dumps of sidecar and egress gateway', () => Promise.all([sleep.proxy.configDump(), egress.proxy.configDump()]));
    await claim('the sidecar leads to the egress gateway', () => {
      expect(traceOutbound(inSidecar, sleep.proxy.name, outbound)).toReachTheEnd();
    });
    await claim('the sidecar knows no other endpoint: nothing can go direct', () => {
      expect(endpointsFor(inSidecar, cluster)).toEqual([toEgress]);
    });
    await claim('the egress gateway leads this SNI to the peer’s gateway, and to nothing else', () => {
      expect(traceGateway(inEgress, egress.proxy.name, { port: egress.port, sni, endpoint: toPeer })).toReachTheEnd();
      expect(endpointsFor(inEgress, sni)).toEqual([toPeer]);
    });
    await claim('this very traffic passed both gateways under this SNI', () => {
      expect(moved).toHaveCarriedTraffic();
    });
    await claim('of twenty requests none went direct', async () => {
      expect(upstreamsOf(await sleep.proxy.accessLogOf(calls.map(({ requestId }) => requestId), begun))).toEqual({ [toEgress]: 20 });
    });
  },
);
