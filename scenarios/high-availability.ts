import { expect, FailoverSample, replacements, scenario, succeeded, underLoad } from '../harness/index.ts';
import type { InARow, LoadCall } from '../harness/index.ts';

const sample = new FailoverSample('ha');
const { namespace, host } = sample;
const [system, ingress] = ['istio-system', 'istio-ingressgateway'] as const;
const load = { url: sample.url('/hostname'), perSecond: 20, atMost: 240, maxSeconds: 10 };
/** Calls that may fail where something dies: one that meets a dead endpoint is tried again, after a second at most. */
const aSecond = load.perSecond;
/** Three seconds of calls in a row, answered as they should be, before the next thing happens to the mesh. */
const calls = (by: string, each: InARow['each']): InARow => ({
  what: `answers by ${by}`,
  each,
  calls: 3 * load.perSecond,
  within: 45_000,
});

/** One service in both clusters under one `.global` name: the client's own cluster serves it, else the peer. */
export default scenario(
  {
    id: 'high-availability',
    section: 'Summary › one mesh, the same service in several clusters',
    claims: {
      'prefers-own-region': 'the sidecar prefers the endpoint of its own region, with the peer’s gateway behind it',
      'served-locally': 'before any fault, the client’s own cluster serves every call',
      'fails-over': 'when the local replica is gone, calls fail over to the peer',
      'survives-gateway': 'when one of the peer’s two gateway pods is killed, calls continue through the other',
      'survives-control-planes': 'when both control planes are killed and restarted, no call fails',
      returns: 'when the local replica is back, calls return to it',
    },
    needs: { ...sample.needs, ownsMesh: true },
    replaced: [replacements.sniRewrite],
  },
  async (run) => {
    const { client, server, step, claim, restore } = run;
    const both = (work: (mesh: typeof client.mesh) => Promise<unknown>) =>
      Promise.all([work(client.mesh), work(server.mesh)]);
    const replicas = (count: number) => () => client.scale(namespace, 'httpbin', count);
    // One thing at a time: the gateway's other pod is back before the control planes go.
    const killGateway = async () => server.mesh.replaced(ingress, await server.mesh.kill(ingress));
    const restart = () => both((mesh) => mesh.kill('istiod')).then(() => both((mesh) => mesh.recovered()));
    await step('second-gateway', 'give the peer a second gateway pod', () => server.scale(system, ingress, 2));
    restore('remove the second gateway pod', () => server.scale(system, ingress, 1));
    const { sleep, local, remote, cluster, toNear, toPeer } = await sample.deploy(run);
    await claim('prefers-own-region', async () => {
      expect((await sleep.proxy.configDump()).prioritiesOf(cluster)).toEqual({ [toNear]: 0, [toPeer]: 1 });
    });

    const byPod = ({ body }: LoadCall) => body.includes(local.pod);
    const byPeer = (call: LoadCall) => succeeded(call) && call.body.includes(remote.pod);
    const byNear = (call: LoadCall) => succeeded(call) && !call.body.includes(remote.pod);
    const { since, settledAfter, all, happened } = await underLoad(run, sleep, load, [
      ['call', 'call the service from the first cluster', () => sleep.resolve(host), calls('the local pod', byPod)],
      ['remove-replica', 'remove the local replica', replicas(0), calls('the peer', byPeer)],
      ['kill-gateway', 'kill a gateway pod of the peer', killGateway, calls('the other gateway', byPeer)],
      [
        'kill-control-planes',
        'kill both, and wait until they serve every proxy',
        restart,
        calls('the peer still', byPeer),
      ],
      ['return-replica', 'bring the local replica back', replicas(1), calls('the first cluster again', byNear)],
    ]);
    /** A claim on an event: who answered in the end, and how many calls may fail from it to the next one. */
    const after = (event: Parameters<typeof since>[0], by: (call: LoadCall) => boolean, most: number): string => {
      expect(settledAfter(event).servedBy(by)).toBe(settledAfter(event).all);
      expect(since(event).failed).toBeWithin({ low: 0, high: most });
      return since(event).told;
    };
    await claim('served-locally', () => after('call', byPod, 0));
    await happened('remove-replica');
    await claim('fails-over', () => after('remove-replica', byPeer, aSecond));
    await happened('kill-gateway');
    await claim('survives-gateway', () => after('kill-gateway', byPeer, aSecond));
    await happened('kill-control-planes');
    await claim('survives-control-planes', () => after('kill-control-planes', byPeer, 0));
    await happened('return-replica');
    await claim('returns', () => `${after('return-replica', byNear, aSecond)}; ${all.told} in all`);
  },
);
