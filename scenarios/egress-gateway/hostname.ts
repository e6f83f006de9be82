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

/** Walkthrough: "Send remote traffic via an egress gateway", tab "hostname": endpoints by name, resolution DNS. */
export default scenario(
  {
    id: 'egress-gateway/hostname',
    section: 'Send remote traffic via an egress gateway › hostname',
    claims: [
      'the call succeeds, with the identity of sleep',
      'the sidecar leads to the egress gateway by its host name, and knows no other endpoint',
      'the egress gateway leads this SNI to the peer’s gateway, and to nothing else',
      'this very traffic passed both gateways under this SNI',
      'of twenty requests all went to the address behind the host name',
    ],
    needs: { clusters: 2, loadBalancer: true, egressGateway: true },
  },
  async ({ west, east, step, claim }) => {
    const [sleep] = await step('deploy sleep and httpbin', () => Promise.all([west.deploySleep('foo'), east.deployHttpbin('bar')]));
    const [egress, gateway] = await step('find both gateways', () => Promise.all([west.egressGateway(), east.ingressGateway()]));
    await step('let the second cluster’s gateway know the .global name (profile modern)', () => east.apply(exposeHttpbin(east.httpbinPort)));
    await step('replace the ServiceEntry: resolution DNS, the egress gateway by its host name', () =>
      west.apply(remoteServiceViaEgress({ host, namespace: 'foo', name: 'httpbin-bar', address, port, resolution: 'DNS', egress: egress.hostname, gateway: gateway.address })),
    );
    const [toEgress, toPeer] = [`${egress.hostname}:${egress.port}`, `${gateway.address}:${gateway.port}`];
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
    await claim('the call succeeds, with the identity of sleep', () => {
      for (const call of calls) expect(call).toHaveStatus(200);
      expect(calls.map((call) => clientIdentity(call)?.uri)).toEqual(calls.map(() => sleep.identity));
    });
    await claim('the sidecar leads to the egress gateway by its host name, and knows no other endpoint', async () => {
      const dump = await sleep.proxy.configDump();
      expect(traceOutbound(dump, sleep.proxy.name, outbound)).toReachTheEnd();
      expect(dump.cluster(cluster)?.type).toBe('STRICT_DNS');
      expect(endpointsFor(dump, cluster)).toEqual([toEgress]);
    });
    await claim('the egress gateway leads this SNI to the peer’s gateway, and to nothing else', async () => {
      const dump = await egress.proxy.configDump();
      expect(traceGateway(dump, egress.proxy.name, { port: egress.port, sni, endpoint: toPeer })).toReachTheEnd();
      expect(endpointsFor(dump, sni)).toEqual([toPeer]);
    });
    await claim('this very traffic passed both gateways under this SNI', () => {
      expect(moved).toHaveCarriedTraffic();
    });
    await claim('of twenty requests all went to the address behind the host name', async () => {
      const log = await sleep.proxy.accessLogOf(calls.map(({ requestId }) => requestId), begun);
      expect(upstreamsOf(log)).toEqual({ [`${egress.address}:${egress.port}`]: 20 });
    });
  },
);
