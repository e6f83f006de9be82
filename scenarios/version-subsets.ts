import { binomialBound, expect, pageSample, RemoteVersion, replacements, scenario } from '../harness/index.ts';
import { subsets, versionRoutes, watchFlow } from '../harness/index.ts';

const { host, port } = pageSample.service;
const nobodys = { address: '192.0.2.9', labels: { cluster: 'none' } };
const instead = 'The page’s entry, with an endpoint of no version; and the rules that it leaves to the reader.';
const [url, calls, weights] = [`${host}:8000/hostname`, 200, { v1: 80, v2: 20 }] as const;

/** Walkthrough: "Version-aware routing to remote services": subsets by endpoint label here, by pod label there. */
export default scenario(
  {
    id: 'version-subsets',
    section: 'Version-aware routing to remote services',
    claims: {
      'header-picks': 'a header selects the version: every call reaches the right one',
      weighted: `of ${calls} calls weighted 80 to 20, the number that reaches v2 is within the bounds of chance`,
      'subset-clusters': 'the sidecar has a subset cluster for each version, each with its own SNI and endpoint',
      'subset-chains': 'the peer’s gateway has a filter chain for each subset’s SNI, to the pods of that version',
      'passed-gateway': 'the traffic of each version passed through the peer’s gateway under the SNI of its subset',
    },
    needs: { ...pageSample.needs, reads: ['counters'] },
    replaced: [replacements.sniRewrite],
    walkthrough: [{ step: 'declare', runs: 'version-aware-routing-to-remote-services.1', instead }],
  },
  async ({ client, servers: [first, second = first], step, claim }) => {
    const sleep = await step('deploy', 'deploy sleep in the first cluster', () => client.deploySleep('foo'));
    // With three clusters each version lives in a cluster of its own; with two, both live in the second.
    const [v1, v2] = await step('deploy-versions', 'deploy two versions of httpbin, and find their gateways', () =>
      RemoteVersion.deploy(pageSample, [first, second]),
    );
    const byPod = { v1: { version: 'v1' }, v2: { version: 'v2' } };
    const there = subsets({ host, namespace: 'bar', name: 'httpbin-bar-global', subsets: byPod });
    await step('expose', 'make the .global name and its subsets known to their gateways (profile modern)', async () => {
      for (const home of new Set([first, second])) await home.apply(pageSample.exposed(home), there);
    });
    const here = { host, ...pageSample.place(host) };
    await step('declare', 'label the endpoints by cluster, and route by header and by weight', () =>
      client.apply(
        pageSample.remote({ endpoints: [v1.endpoint, ...(second === first ? [] : [v2.endpoint]), nobodys] }),
        subsets({ ...here, subsets: { v1: v1.endpoint.labels, v2: v2.endpoint.labels } }),
        versionRoutes({ ...here, header: 'x-version', weights }),
      ),
    );
    await step('hold', 'wait until the sidecar and the gateways hold every subset', async () => {
      for (const version of [v1, v2]) await version.held(sleep);
    });
    const watched = await Promise.all([v1.watched(), v2.watched()]);
    const asked = (version: string) => sleep.curlTimes(10, url, { headers: { 'x-version': version } });
    const { value: picked, moved } = await step('call', 'call ten times with a header for each version', () =>
      watchFlow(watched, () => Promise.all([asked('v1'), asked('v2')])),
    );
    await claim('header-picks', () => {
      for (const call of picked.flat()) expect(call).toHaveStatus(200);
      expect([v1, v2].map((version, index) => version.answered(picked[index] ?? []))).toEqual([10, 10]);
    });
    await claim('weighted', async () => {
      const drawn = await sleep.curlTimes(calls, url);
      const reached = v2.answered(drawn);
      expect(v1.answered(drawn) + reached).toBe(calls);
      const bound = binomialBound(calls, weights.v2 / 100);
      expect(reached).toBeWithin(bound);
      return `${reached} of ${calls} reached v2, between ${bound.low} and ${bound.high} were allowed`;
    });
    await claim('subset-clusters', async () => {
      const dump = await sleep.proxy.configDump();
      // Calls tell 90 to 10 in one run of ten only. An endpoint without a version’s label is in no subset.
      expect(dump.weightsOf(host, port.number)).toEqual(weights);
      for (const { version, sni, cluster, toGateway } of [v1, v2]) {
        expect(dump.outbound(host, port.number, version)).toEqual({ sni, endpoints: [toGateway] });
        await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(cluster, [toGateway]);
      }
    });
    await claim('subset-chains', async () => {
      for (const version of [v1, v2]) await expect(() => version.inGateway()).toEventuallyReachTheEnd();
    });
    await claim('passed-gateway', () => {
      expect(moved).toHaveCarriedTraffic(10);
    });
  },
);
