import { expect } from 'vitest';
import { httpbinGlobal } from '../harness/mesh/profile.ts';
import { exposedService, outboundSni, remoteService } from '../harness/mesh/services.ts';
import { traceGateway } from '../harness/probe/trace.ts';
import type { MeshCluster } from '../harness/scenario/mesh-cluster.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { port } = httpbinGlobal;
// The example in namespaces of its own, so that its end takes nothing from other scenarios.
const [client, server, host, address] = ['cleanup-foo', 'cleanup-bar', 'httpbin.cleanup-bar.global', '240.0.0.3'];
const sni = outboundSni(host, port.number);

/** Walkthrough: "Cleanup the example". What was there is gone, from the API and from every proxy. */
export default scenario(
  {
    id: 'cleanup',
    section: 'Cleanup the example',
    claims: [
      'while the example runs, it shows in the gateways’ configuration (the control of the claims below)',
      'the namespaces, workloads and Istio objects of the example are gone from both APIs',
      'the configuration of every gateway is what it was before the example',
    ],
    needs: { clusters: 2, loadBalancer: true },
  },
  async ({ west, east, step, claim }) => {
    const gateways = await step('find every gateway', () => Promise.all([west.ingressGateway(), west.egressGateway(), east.ingressGateway(), east.egressGateway()]));
    const inventories = (): Promise<string[][]> => Promise.all(gateways.map(async ({ proxy }) => (await proxy.configDump()).inventory()));
    const before = await step('take the inventory of every gateway', inventories);

    await step('run the example', async () => {
      await Promise.all([west.deploySleep(client), east.deployHttpbin(server)]);
      const { address: gateway } = await east.ingressGateway();
      await east.apply(exposedService({ host, namespace: server, name: 'httpbin-bar-global', port: { ...port, targetPort: east.httpbinPort }, selector: { app: 'httpbin' } }));
      await west.apply(remoteService({ host, namespace: client, name: 'httpbin-bar', address, port, endpoints: [{ address: gateway }] }));
      const { proxy } = await east.ingressGateway();
      await proxy.holdsPath((dump) => traceGateway(dump, proxy.name, { port: 15443, sni }));
    });
    await claim('while the example runs, it shows in the gateways’ configuration (the control of the claims below)', async () => {
      expect((await inventories()).some(mentionsExample)).toBe(true);
    });

    const cleanUp = async (cluster: MeshCluster, namespace: string): Promise<void> => {
      await cluster.removeApplied();
      await cluster.removeNamespace(namespace);
    };
    await step('clean up: sleep, its ServiceEntry and namespace in cluster1, httpbin and its namespace in cluster2', () => Promise.all([cleanUp(west, client), cleanUp(east, server)]));
    await claim('the namespaces, workloads and Istio objects of the example are gone from both APIs', async () => {
      expect(await west.objectsIn(client)).toEqual([]);
      expect(await east.objectsIn(server)).toEqual([]);
    });
    await claim('the configuration of every gateway is what it was before the example', async () => {
      await Promise.all(gateways.map(({ proxy }) => proxy.holds('nothing of the example', (dump) => !mentionsExample(dump.inventory()))));
      expect(await inventories()).toEqual(before);
    });
  },
);

/** True when an inventory names a host or a namespace of the example. */
function mentionsExample(inventory: readonly string[]): boolean {
  return inventory.some((line) => line.includes(`.${client}.`) || line.includes(`.${server}.`));
}
