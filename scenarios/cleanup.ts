import { expect, RemoteSample, replacements, scenario } from '../harness/index.ts';

// The example in namespaces of its own, so that its end takes nothing from other scenarios.
const sample = new RemoteSample('cleanup');
const { client: foo, server: bar } = sample.namespaces;
const isOfExample = (line: string): boolean => line.includes(`.${foo}.`) || line.includes(`.${bar}.`);
const ownExample = `The same, by the API, for an example of its own in the namespaces ${foo} and ${bar}.`;
const byApi = 'By the API, also what no manifest names: the profile’s objects, root certificates, other examples.';

/** Walkthrough: "Cleanup the example" and "Uninstalling": what was there is gone everywhere; then the mesh itself. */
export default scenario(
  {
    id: 'cleanup',
    section: 'Cleanup the example; Uninstalling',
    claims: {
      'example-shows':
        'while the example runs, it is visible in the gateways’ configuration (the control for the claims below)',
      'example-gone': 'the namespaces, workloads and Istio objects of the example are gone from both APIs',
      'gateways-as-before': 'the configuration of every gateway is the same as before the example',
      'traces-found': 'while the control planes run, their traces are found (the control for the claim below)',
      'no-trace':
        'the uninstalled control planes leave no trace: no object of any kind in either cluster belongs to Istio',
    },
    plays: 'last',
    needs: { ...sample.needs, ownsMesh: true },
    replaced: [replacements.multiclusterValues],
    walkthrough: [
      { step: 'clean-up', runs: 'cleanup-the-example.1-5', instead: ownExample },
      { step: 'uninstall', runs: 'uninstalling.1-2', instead: byApi },
    ],
  },
  async (run) => {
    const { client, server, clusters, step, claim, restore } = run;
    const gateways = await step('find-gateways', 'find every gateway', () =>
      Promise.all([client, server].flatMap((cluster) => [cluster.ingressGateway(), cluster.egressGateway()])),
    );
    const inventories = () => Promise.all(gateways.map(async ({ proxy }) => (await proxy.configDump()).inventory()));
    const found = await step('take-inventory', 'take the inventory of every gateway', inventories);
    // A run that broke off may have left its example, which is not to come back.
    const before = found.map((lines) => lines.filter((line) => !isOfExample(line)));
    const { connect } = await sample.deploy(run);
    await connect();
    await claim('example-shows', async () => {
      expect((await inventories()).flat().filter(isOfExample)).not.toEqual([]);
    });
    await step('clean-up', 'remove sleep, its ServiceEntry and namespace in cluster1, httpbin in cluster2', () =>
      Promise.all([client.removeSample(foo), server.removeSample(bar)]),
    );
    await claim('example-gone', async () => {
      await expect(() => client.objectsIn(foo)).toAlwaysBeEmpty();
      await expect(() => server.objectsIn(bar)).toAlwaysBeEmpty();
    });
    await claim('gateways-as-before', async () => {
      for (const [index, { proxy }] of gateways.entries())
        await expect(() => proxy.configDump()).toEventuallyHaveInventory(before[index] ?? []);
    });

    await claim('traces-found', async () => {
      const traces = await Promise.all(clusters.map((cluster) => cluster.mesh.traces()));
      for (const found of traces) expect(found).toContain('Deployment.apps istio-system/istiod');
      return `${traces.map((found) => found.length).join(' and ')} objects`;
    });
    const uninstalled = await step('uninstall', 'uninstall every control plane, and what other scenarios left', () =>
      Promise.all(
        clusters.map(async (cluster) => {
          restore(`reinstall the control plane of ${cluster.name}`, () => cluster.mesh.reinstall());
          // Pods with a sidecar are a trace as well.
          return (await Promise.all([cluster.mesh.uninstall(), cluster.removeSamples()]))[0];
        }),
      ),
    );
    await step('leave-no-trace', 'wait until no object is terminating any more', () =>
      Promise.all(clusters.map((cluster) => cluster.mesh.leavesNoTrace())),
    );
    await claim('no-trace', async () => {
      await Promise.all(clusters.map((cluster) => expect(() => cluster.mesh.traces()).toAlwaysBeEmpty()));
      return `${uninstalled.join(' and ')} objects of the manifests gone`;
    });
  },
);
