import { binomialBound, expect, outboundCluster, RemoteSample, RemoteVersion } from '../harness/index.ts';
import { mixedRoutes, replacements, scenario, subsets, watchFlow } from '../harness/index.ts';

const sample = new RemoteSample('version-routing');
const { host, port } = sample.service;
const { client: near, server: far } = sample.namespaces;
const local = `httpbin.${near}.svc.cluster.local`;
const [url, calls] = ['httpbin:8000/hostname', 100] as const;
const header = { 'end-user': 'jason' };
const byPod = { v2: { version: 'v2' }, v3: { version: 'v3' } };
const name = { namespace: near, name: 'httpbin' };
const rule = mixedRoutes({ local, ...name, host, header, subset: 'v2', others: { subset: 'v3', weight: 50 } });

/**
 * Walkthrough: "Version-aware routing to remote services" ends with the blog's full example, "Multicluster version
 * routing": v1 of a service is local, v2 and v3 are remote, and callers know the local name only.
 */
export default scenario(
  {
    id: 'version-routing',
    section: 'Version-aware routing to remote services › the full example: local and remote versions',
    claims: {
      'header-remote': 'under the local name, calls with the header reach v2 in the other cluster, every one',
      halves: `of ${calls} other calls the local v1 and the remote v3 answer half each, within the bounds of chance`,
      route: 'in the sidecar, the local name leads to both by weight, and to each version under its own SNI',
      'passed-gateway': 'the traffic of each remote version passed through the peer’s gateway under its own SNI',
    },
    needs: { ...sample.needs, reads: ['counters'] },
    replaced: [replacements.sniRewrite],
  },
  async ({ client, servers: [first, second = first], step, claim }) => {
    const remote = () => RemoteVersion.deploy(sample, [first, second], ['v2', 'v3']);
    const [sleep, v1, [v2, v3]] = await step('deploy', 'deploy sleep and v1 here, v2 and v3 there', () =>
      Promise.all([client.deploySleep(near), client.deployHttpbin(near), remote()]),
    );
    await step('expose', 'make the .global name and its subsets known to their gateways', async () => {
      const there = subsets({ host, namespace: far, name: 'httpbin', subsets: byPod });
      for (const home of new Set([first, second])) await home.apply(sample.exposed(home), there);
    });
    await step('declare', 'declare the remote versions, and route the local name', async () => {
      const byLabel = { v2: v2.endpoint.labels, v3: v3.endpoint.labels };
      const endpoints = [v2.endpoint, ...(second === first ? [] : [v3.endpoint])];
      await client.apply(
        sample.remote({ endpoints }),
        subsets({ host, ...sample.place(host), subsets: byLabel }),
        rule,
      );
    });
    await step('hold', 'wait until the sidecar and the gateways hold every version', async () => {
      for (const version of [v2, v3]) await version.held(sleep);
    });
    const { value, moved } = await step('call', 'call with the header, and without it', async () =>
      watchFlow(await Promise.all([v2.watched(), v3.watched()]), async () => {
        const jason = await sleep.curlTimes(10, url, { headers: header });
        return { jason, others: await sleep.curlTimes(calls, url) };
      }),
    );
    await claim('header-remote', () => {
      for (const call of value.jason) expect(call).toHaveStatus(200);
      expect(v2.answered(value.jason)).toBe(10);
    });
    await claim('halves', () => {
      const here = value.others.filter(({ body }) => body.includes(v1.pod)).length;
      expect(here + v3.answered(value.others)).toBe(calls);
      expect(here).toBeWithin(binomialBound(calls, 0.5));
      return `${here} of ${calls} stayed here`;
    });
    await claim('route', async () => {
      const dump = await sleep.proxy.configDump();
      expect(dump.splitOf(local, 8000)).toEqual({ [v3.cluster]: 50, [outboundCluster(local, 8000)]: 50 });
      for (const { version, sni, toGateway, cluster } of [v2, v3]) {
        expect(dump.routesTo(cluster)).not.toEqual([]);
        expect(dump.outbound(host, port.number, version)).toEqual({ sni, endpoints: [toGateway] });
      }
    });
    await claim('passed-gateway', () => {
      expect(moved).toHaveCarriedTraffic(10);
    });
  },
);
