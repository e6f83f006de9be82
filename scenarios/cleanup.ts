import { expect } from 'vitest';
import { httpbinGlobal, replacements } from '../harness/mesh/profile.ts';
import { exposedService, remoteService } from '../harness/mesh/services.ts';
import { RemotePath } from '../harness/scenario/remote-path.ts';
import { scenario } from '../harness/scenario/scenario.ts';

// The example in namespaces of its own, so that its end takes nothing from other scenarios.
const [client, server] = ['cleanup-foo', 'cleanup-bar'];
const service = { ...httpbinGlobal, host: 'httpbin.cleanup-bar.global', address: '240.0.0.3' };

/**
 * Walkthrough: "Cleanup the example" and "Uninstalling". What was there is gone, from the API and from every proxy;
 * then the mesh itself.
 */
export default scenario(
  {
    id: 'cleanup',
    section: 'Cleanup the example; Uninstalling',
    claims: [
      'while the example runs, it shows in the gateways’ configuration (the control of the claims below)',
      'the namespaces, workloads and Istio objects of the example are gone from both APIs',
      'the configuration of every gateway is what it was before the example',
      'while the control planes run, their traces are found (the control of the claim below)',
      'the control planes are uninstalled without a trace: no object of any kind in either cluster is Istio’s',
    ],
    plays: 'last',
    needs: { clusters: 2, loadBalancer: true, ownsMesh: true, namespaces: [client, server] },
    replaced: [replacements.multiclusterValues],
    walkthrough: [
      { step: 'clean up: sleep, its ServiceEntry and namespace in cluster1, httpbin and its namespace in cluster2', runs: 'cleanup-the-example.1-5' },
      { step: 'uninstall every control plane, and what other scenarios left behind', runs: 'uninstalling.1-2' },
    ],
  },
  async ({ west, east, clusters, step, claim, restore }) => {
    const gateways = await step('find every gateway', () => Promise.all([west.ingressGateway(), west.egressGateway(), east.ingressGateway(), east.egressGateway()]));
    const inventories = (): Promise<string[][]> => Promise.all(gateways.map(async ({ proxy }) => (await proxy.configDump()).inventory()));
    const before = await step('take the inventory of every gateway', inventories);

    await step('run the example', async () => {
      const [sleep] = await Promise.all([west.deploySleep(client), east.deployHttpbin(server)]);
      const gateway = await east.ingressGateway();
      await east.apply(exposedService({ host: service.host, namespace: server, name: 'httpbin-bar-global', port: { ...service.port, targetPort: east.httpbinPort }, selector: { app: 'httpbin' } }));
      await west.apply(remoteService({ ...service, namespace: client, name: 'httpbin-bar', endpoints: [{ address: gateway.address }] }));
      await new RemotePath({ client: sleep, service, gateway }).held();
    });
    await claim('while the example runs, it shows in the gateways’ configuration (the control of the claims below)', async () => {
      expect((await inventories()).some((lines) => lines.some((line) => line.includes(`.${client}.`) || line.includes(`.${server}.`)))).toBe(true);
    });

    await step('clean up: sleep, its ServiceEntry and namespace in cluster1, httpbin and its namespace in cluster2', () => Promise.all([west.removeSample(client), east.removeSample(server)]));
    await claim('the namespaces, workloads and Istio objects of the example are gone from both APIs', async () => {
      await Promise.all([expect(() => west.objectsIn(client)).toAlwaysBeEmpty(), expect(() => east.objectsIn(server)).toAlwaysBeEmpty()]);
    });
    await claim('the configuration of every gateway is what it was before the example', async () => {
      await Promise.all(gateways.map(({ proxy }, index) => expect(() => proxy.configDump()).toEventuallyHaveInventory(before[index] ?? [])));
    });

    await claim('while the control planes run, their traces are found (the control of the claim below)', async () => {
      const traces = await Promise.all(clusters.map((cluster) => cluster.mesh.traces()));
      for (const found of traces) expect(found).toContain('Deployment.apps istio-system/istiod');
      return `${traces.map((found) => found.length).join(' and ')} objects`;
    });
    const uninstalled = await step('uninstall every control plane, and what other scenarios left behind', () =>
      Promise.all(
        clusters.map(async (cluster) => {
          // Pods with a sidecar are a trace as well.
          const [mesh] = await Promise.all([cluster.mesh.uninstall(), cluster.removeSamples()]);
          restore(`install the control plane of ${cluster.name} again`, () => cluster.mesh.reinstall(mesh));
          return mesh.manifest.length;
        }),
      ),
    );
    await step('wait until nothing is on its way out any more', () => Promise.all(clusters.map((cluster) => cluster.mesh.leavesNoTrace())));
    await claim('the control planes are uninstalled without a trace: no object of any kind in either cluster is Istio’s', async () => {
      await Promise.all(clusters.map((cluster) => expect(() => cluster.mesh.traces()).toAlwaysBeEmpty()));
      return `${uninstalled.join(' and ')} objects of the manifests gone`;
    });
  },
);
