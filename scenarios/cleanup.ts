import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal } from '../harness/mesh/profile.ts';
import { outboundSni, remoteService } from '../harness/mesh/services.ts';
import { traceGateway } from '../harness/probe/trace.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
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
    await step('begin without the example', () => Promise.all([west.removeNamespace('foo'), east.removeNamespace('bar')]));
    const gateways = await step('find every gateway', () => Promise.all([west.ingressGateway(), west.egressGateway(), east.ingressGateway(), east.egressGateway()]));
    const inventories = (): Promise<string[][]> => Promise.all(gateways.map(async ({ proxy }) => (await proxy.configDump()).inventory()));
    await step('wait until no gateway knows anything of namespaces foo and bar', () => Promise.all(gateways.map(({ proxy }) => proxy.holds('nothing of foo or bar', (dump) => !mentionsExample(dump.inventory())))));
    const before = await step('take the inventory of every gateway', inventories);

    await step('run the example', async () => {
      await Promise.all([west.deploySleep('foo'), east.deployHttpbin('bar')]);
      const { address: gateway } = await east.ingressGateway();
      await east.apply(exposeHttpbin(east.httpbinPort));
      await west.apply(remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, endpoints: [{ address: gateway }] }));
      const { proxy } = await east.ingressGateway();
      await proxy.holdsPath((dump) => traceGateway(dump, proxy.name, { port: 15443, sni }));
    });
    await claim('while the example runs, it shows in the gateways’ configuration (the control of the claims below)', async () => {
      expect((await inventories()).some(mentionsExample)).toBe(true);
    });

    await step('clean up cluster1: sleep, the ServiceEntry, namespace foo', async () => {
      await west.removeApplied();
      await west.removeNamespace('foo');
    });
    await step('clean up cluster2: httpbin, namespace bar', async () => {
      await east.removeApplied();
      await east.removeNamespace('bar');
    });
    await claim('the namespaces, workloads and Istio objects of the example are gone from both APIs', async () => {
      expect(await west.objectsIn('foo')).toEqual([]);
      expect(await east.objectsIn('bar')).toEqual([]);
    });
    await claim('the configuration of every gateway is what it was before the example', async () => {
      await Promise.all(gateways.map(({ proxy }) => proxy.holds('nothing of foo or bar', (dump) => !mentionsExample(dump.inventory()))));
      expect(await inventories()).toEqual(before);
    });
  },
);

/** True when an inventory names a host or a namespace of the example. */
function mentionsExample(inventory: readonly string[]): boolean {
  return inventory.some((line) => /\.(foo|bar)\.(svc|global)/.test(line));
}
