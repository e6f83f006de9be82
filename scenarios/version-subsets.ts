import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal, replacements } from '../harness/mesh/profile.ts';
import { outboundCluster, outboundSni, remoteService, subsets, versionRoutes } from '../harness/mesh/services.ts';
import { binomialBound } from '../harness/probe/distribution.ts';
import { watchFlow } from '../harness/probe/flow.ts';
import { traceGateway } from '../harness/probe/trace.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const calls = 200;
const weights = { v1: 80, v2: 20 };

/**
 * Walkthrough: "Version-aware routing to remote services". Subsets by endpoint label here, by pod label there, joined
 * by the SNI.
 */
export default scenario(
  {
    id: 'version-subsets',
    section: 'Version-aware routing to remote services',
    claims: {
      'header-picks': 'a header picks the version: every call lands where it should',
      weighted: `of ${calls} calls weighted 80 to 20, as many reach v2 as chance allows`,
      'subset-clusters': 'the sidecar has a subset cluster for each version, each with its own SNI and endpoint',
      'subset-chains': 'the peer’s gateway has a filter chain for each subset’s SNI, each to the pods of that version',
      'passed-gateway': 'the traffic of each version passed the peer’s gateway under the SNI of its subset',
    },
    needs: { clusters: 2, loadBalancer: true, namespaces: ['foo', 'bar'], hosts: [httpbinGlobal] },
    replaced: [replacements.sniRewrite],
    walkthrough: [{ step: 'declare', runs: 'version-aware-routing-to-remote-services.1' }],
  },
  async ({ client, servers: [server, third], step, claim }) => {
    // With three clusters each version lives in a cluster of its own; with two, both live in the second.
    const places = [
      { version: 'v1', label: 'cluster2', home: server },
      { version: 'v2', label: third === undefined ? 'cluster2' : 'cluster3', home: third ?? server },
    ];
    const sleep = await step('deploy', 'deploy sleep in the first cluster', () => client.deploySleep('foo'));
    const remotes = await step('deploy-versions', 'deploy two versions of httpbin, and find the gateways in front of them', () =>
      Promise.all(places.map(async (place) => ({ ...place, sni: outboundSni(host, port.number, place.version), pod: await place.home.deployHttpbin('bar', place.version), gateway: await place.home.ingressGateway() }))),
    );
    await step('expose', 'let their gateways know the .global name and its subsets (profile modern)', async () => {
      const declared = subsets({ host, namespace: 'bar', name: 'httpbin-bar-global', subsets: { v1: { version: 'v1' }, v2: { version: 'v2' } } });
      for (const home of new Set(places.map((place) => place.home))) await home.apply(exposeHttpbin(home.httpbinPort), declared);
    });
    await step('declare', 'label the endpoints by cluster, and route by header and by weight', () => {
      const endpoints = new Map(remotes.map(({ label, gateway }) => [label, { address: gateway.address, labels: { cluster: label } }]));
      return client.apply(
        remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, endpoints: [...endpoints.values()] }),
        subsets({ host, namespace: 'foo', name: 'httpbin-bar', subsets: Object.fromEntries(places.map(({ version, label }) => [version, { cluster: label }])) }),
        versionRoutes({ host, namespace: 'foo', name: 'httpbin-bar', header: 'x-version', weights }),
      );
    });
    await step('hold', 'wait until the sidecar and the gateways hold every subset', () =>
      Promise.all(
        remotes.flatMap(({ version, sni, gateway }) => [
          sleep.proxy.holds(`a route of ${host} to subset ${version}`, (dump) => dump.routesTo(outboundCluster(host, port.number, version)).length > 0),
          gateway.proxy.holdsPath((dump) => traceGateway(dump, gateway.proxy.name, { port: gateway.port, sni })),
        ]),
      ),
    );

    const watched = remotes.map(({ gateway, sni }) => ({ proxy: gateway.proxy, cluster: sni }));
    const { value: picked, moved } = await step('call', 'call ten times with a header for each version', () =>
      watchFlow(watched, () => Promise.all(remotes.map(({ version }) => sleep.curlTimes(10, `${host}:8000/hostname`, { headers: { 'x-version': version } })))),
    );
    await claim('header-picks', () => {
      for (const [index, { pod }] of remotes.entries()) {
        for (const call of picked[index] ?? []) expect(call).toHaveStatus(200);
        expect(picked[index]?.filter(({ body }) => body.includes(pod.pod))).toHaveLength(10);
      }
    });
    await claim('weighted', async () => {
      const drawn = await sleep.curlTimes(calls, `${host}:8000/hostname`);
      const [v1 = 0, v2 = 0] = remotes.map(({ pod }) => drawn.filter(({ body }) => body.includes(pod.pod)).length);
      expect(v1 + v2).toBe(calls);
      const bound = binomialBound(calls, weights.v2 / 100);
      expect(v2).toBeWithin(bound);
      return `${v2} of ${calls} reached v2, between ${bound.low} and ${bound.high} were allowed`;
    });
    await claim('subset-clusters', async () => {
      const dump = await sleep.proxy.configDump();
      // Two hundred calls tell 80 to 20 from 90 to 10 in one run of ten only: the weights themselves are in the route.
      expect(dump.weightsOf(host, port.number)).toEqual({ v1: weights.v1, v2: weights.v2 });
      for (const { version, sni, gateway } of remotes) {
        expect(dump.outbound(host, port.number, version)).toEqual({ sni, endpoints: [`${gateway.address}:${gateway.port}`] });
        await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(outboundCluster(host, port.number, version), [`${gateway.address}:${gateway.port}`]);
      }
    });
    await claim('subset-chains', async () => {
      for (const { sni, pod, gateway, home } of remotes) {
        const question = { port: gateway.port, sni, endpoint: `${pod.address}:${home.httpbinPort}` };
        await expect(() => gateway.proxy.trace((dump) => traceGateway(dump, gateway.proxy.name, question))).toEventuallyReachTheEnd();
      }
    });
    await claim('passed-gateway', () => {
      expect(moved).toHaveCarriedTraffic();
    });
  },
);
