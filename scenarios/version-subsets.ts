import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal } from '../harness/mesh/profile.ts';
import { outboundCluster, outboundSni, remoteService, subsets, versionRoutes } from '../harness/mesh/services.ts';
import { binomialBound } from '../harness/probe/distribution.ts';
import { watchFlow } from '../harness/probe/flow.ts';
import { traceGateway } from '../harness/probe/trace.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const versions = ['v1', 'v2'];
const calls = 200;
const weights = { v1: 80, v2: 20 };

/** Walkthrough: "Version-aware routing to remote services". Subsets by endpoint label here, by pod label there, joined by the SNI. */
export default scenario(
  {
    id: 'version-subsets',
    section: 'Version-aware routing to remote services',
    claims: [
      'a header picks the version: every call lands where it should',
      `of ${calls} calls weighted 80 to 20, as many reach v2 as chance allows`,
      'the sidecar has a subset cluster for each version, each with its own SNI and endpoint',
      'the peer’s gateway has a filter chain for each subset’s SNI, each to the pods of that version',
      'the traffic of each version passed the peer’s gateway under the SNI of its subset',
    ],
    needs: { clusters: 2, loadBalancer: true },
  },
  async ({ west, east, step, claim }) => {
    const sleep = await step('deploy sleep in the first cluster', () => west.deploySleep('foo'));
    const [v1, v2] = await step('deploy two versions of httpbin in the second cluster', () => Promise.all([east.deployHttpbin('bar', 'v1'), east.deployHttpbin('bar', 'v2')]));
    const gateway = await step('find the gateway address of the second cluster', () => east.ingressGateway());
    await step('let the second cluster’s gateway know the .global name and its subsets (profile modern)', () =>
      east.apply(exposeHttpbin(east.httpbinPort), subsets({ host, namespace: 'bar', name: 'httpbin-bar-global', subsets: { v1: { version: 'v1' }, v2: { version: 'v2' } } })),
    );
    const destination = subsets({ host, namespace: 'foo', name: 'httpbin-bar', subsets: { v1: { cluster: 'cluster2' }, v2: { cluster: 'cluster2' } } });
    await step('label the endpoint cluster: cluster2, and route by header and by weight', () =>
      west.apply(
        remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, endpoints: [{ address: gateway.address, labels: { cluster: 'cluster2' } }] }),
        destination,
        versionRoutes({ host, namespace: 'foo', name: 'httpbin-bar', header: 'x-version', weights }),
      ),
    );
    await step('wait until both proxies hold every subset', () =>
      Promise.all(
        versions.flatMap((version) => [
          sleep.proxy.holds(`a route of ${host} to subset ${version}`, (dump) => dump.routesTo(outboundCluster(host, port.number, version)).length > 0),
          gateway.proxy.holdsPath((dump) => traceGateway(dump, gateway.proxy.name, { port: gateway.port, sni: outboundSni(host, port.number, version) })),
        ]),
      ),
    );

    const watched = versions.map((version) => ({ proxy: gateway.proxy, cluster: outboundSni(host, port.number, version) }));
    const { value: picked, moved } = await step('call ten times with a header for each version', () =>
      watchFlow(watched, () => Promise.all(versions.map((version) => sleep.curlTimes(10, `${host}:8000/hostname`, { headers: { 'x-version': version } })))),
    );
    await claim('a header picks the version: every call lands where it should', () => {
      for (const call of picked.flat()) expect(call).toHaveStatus(200);
      expect(picked[0]?.filter(({ body }) => body.includes(v1.pod))).toHaveLength(10);
      expect(picked[1]?.filter(({ body }) => body.includes(v2.pod))).toHaveLength(10);
    });
    await claim(`of ${calls} calls weighted 80 to 20, as many reach v2 as chance allows`, async () => {
      const drawn = await sleep.curlTimes(calls, `${host}:8000/hostname`);
      const reached = [v1, v2].map(({ pod }) => drawn.filter(({ body }) => body.includes(pod)).length);
      expect((reached[0] ?? 0) + (reached[1] ?? 0)).toBe(calls);
      expect(reached[1]).toBeWithin(binomialBound(calls, weights.v2 / 100));
    });
    const [inSidecar, inGateway] = await step('read the dumps', () => Promise.all([sleep.proxy.configDump(), gateway.proxy.configDump()]));
    await claim('the sidecar has a subset cluster for each version, each with its own SNI and endpoint', () => {
      for (const version of versions) {
        expect(inSidecar.outbound(host, port.number, version)).toEqual({ sni: outboundSni(host, port.number, version), endpoints: [`${gateway.address}:${gateway.port}`] });
      }
    });
    await claim('the peer’s gateway has a filter chain for each subset’s SNI, each to the pods of that version', () => {
      for (const [version, { address: pod }] of Object.entries({ v1, v2 })) {
        expect(traceGateway(inGateway, gateway.proxy.name, { port: gateway.port, sni: outboundSni(host, port.number, version), endpoint: `${pod}:${east.httpbinPort}` })).toReachTheEnd();
      }
    });
    await claim('the traffic of each version passed the peer’s gateway under the SNI of its subset', () => {
      expect(moved).toHaveCarriedTraffic();
    });
  },
);
