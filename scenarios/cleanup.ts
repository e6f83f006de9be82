import { expect } from 'vitest';
import { httpbinGlobal, replacements } from '../harness/mesh/profile.ts';
import { exposedService, remoteService } from '../harness/mesh/services.ts';
import { RemotePath } from '../harness/scenario/remote-path.ts';
import { scenario } from '../harness/scenario/scenario.ts';

// The example in namespaces of its own, so that its end takes nothing from other scenarios.
const [foo, bar] = ['cleanup-foo', 'cleanup-bar'];
const service = { ...httpbinGlobal, host: 'httpbin.cleanup-bar.global', address: '240.0.0.3' };

/**
 * Walkthrough: "Cleanup the example" and "Uninstalling". What was there is gone, from the API and from every proxy;
 * then the mesh itself.
 */
export default scenario(
  {
    id: 'cleanup',
    section: 'Cleanup the example; Uninstalling',
    claims: {
      'example-shows': 'while the example runs, it shows in the gateways’ configuration (the control of the claims below)',
      'example-gone': 'the namespaces, workloads and Istio objects of the example are gone from both APIs',
      'gateways-as-before': 'the configuration of every gateway is what it was before the example',
      'traces-found': 'while the control planes run, their traces are found (the control of the claim below)',
      'no-trace': 'the control planes are uninstalled without a trace: no object of any kind in either cluster is Istio’s',
    },
    plays: 'last',
    needs: { clusters: 2, loadBalancer: true, ownsMesh: true, namespaces: [foo, bar] },
    replaced: [replacements.multiclusterValues],
    walkthrough: [
      { step: 'clean-up', runs: 'cleanup-the-example.1-5' },
      { step: 'uninstall', runs: 'uninstalling.1-2' },
    ],
  },
  async ({ client, server, clusters, step, claim, restore }) => {
    const gateways = await step('find-gateways', 'find every gateway', () => Promise.all([client.ingressGateway(), client.egressGateway(), server.ingressGateway(), server.egressGateway()]));
    const inventories = (): Promise<string[][]> => Promise.all(gateways.map(async ({ proxy }) => (await proxy.configDump()).inventory()));
    const before = await step('take-inventory', 'take the inventory of every gateway', inventories);

    await step('run-example', 'run the example', async () => {
      const [sleep] = await Promise.all([client.deploySleep(foo), server.deployHttpbin(bar)]);
      const gateway = await server.ingressGateway();
      await server.apply(exposedService({ host: service.host, namespace: bar, name: 'httpbin-bar-global', port: { ...service.port, targetPort: server.httpbinPort }, selector: { app: 'httpbin' } }));
      await client.apply(remoteService({ ...service, namespace: foo, name: 'httpbin-bar', endpoints: [{ address: gateway.address }] }));
      await new RemotePath({ client: sleep, service, gateway }).held();
    });
    await claim('example-shows', async () => {
      expect((await inventories()).some((lines) => lines.some((line) => line.includes(`.${foo}.`) || line.includes(`.${bar}.`)))).toBe(true);
    });

    await step('clean-up', 'clean up: sleep, its ServiceEntry and namespace in cluster1, httpbin and its namespace in cluster2', () => Promise.all([client.removeSample(foo), server.removeSample(bar)]));
    await claim('example-gone', async () => {
      await Promise.all([expect(() => client.objectsIn(foo)).toAlwaysBeEmpty(), expect(() => server.objectsIn(bar)).toAlwaysBeEmpty()]);
    });
    await claim('gateways-as-before', async () => {
      await Promise.all(gateways.map(({ proxy }, index) => expect(() => proxy.configDump()).toEventuallyHaveInventory(before[index] ?? [])));
    });

    await claim('traces-found', async () => {
      const traces = await Promise.all(clusters.map((cluster) => cluster.mesh.traces()));
      for (const found of traces) expect(found).toContain('Deployment.apps istio-system/istiod');
      return `${traces.map((found) => found.length).join(' and ')} objects`;
    });
    const uninstalled = await step('uninstall', 'uninstall every control plane, and what other scenarios left behind', () =>
      Promise.all(
        clusters.map(async (cluster) => {
          // Pods with a sidecar are a trace as well.
          const [mesh] = await Promise.all([cluster.mesh.uninstall(), cluster.removeSamples()]);
          restore(`install the control plane of ${cluster.name} again`, () => cluster.mesh.reinstall(mesh));
          return mesh.manifest.length;
        }),
      ),
    );
    await step('leave-no-trace', 'wait until nothing is on its way out any more', () => Promise.all(clusters.map((cluster) => cluster.mesh.leavesNoTrace())));
    await claim('no-trace', async () => {
      await Promise.all(clusters.map((cluster) => expect(() => cluster.mesh.traces()).toAlwaysBeEmpty()));
      return `${uninstalled.join(' and ')} objects of the manifests gone`;
    });
  },
);
