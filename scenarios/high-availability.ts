import { expect, FailoverSample, replacements, scenario, underLoad, type LoadWindow } from '../harness/index.ts';

const sample = new FailoverSample('ha');
const [namespace, system, ingress] = [sample.namespace, 'istio-system', 'istio-ingressgateway'] as const;
/** Seconds into the load at which each thing happens to the mesh. */
const at = { replicaGone: 8, gatewayKilled: 19, controlPlanesKilled: 30, replicaBack: 40, end: 60 };
const load = { url: sample.url('/hostname'), perSecond: 20, seconds: at.end };

/** @param most calls may fail: one that meets a dead endpoint is tried again elsewhere, after a second at most */
function lost(window: LoadWindow, most: number): string {
  expect(window.failed).toBeWithin({ low: 0, high: most });
  return window.told;
}

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
    const both = (work: (mesh: typeof client.mesh) => Promise<unknown>) => () =>
      Promise.all([work(client.mesh), work(server.mesh)]);
    const replicas = (count: number) => () => client.scale(namespace, 'httpbin', count);
    await step('second-gateway', 'give the peer a second gateway pod', () => server.scale(system, ingress, 2));
    restore('remove the second gateway pod', () => server.scale(system, ingress, 1));
    const { sleep, local, remote, cluster, toNear, toPeer } = await sample.deploy(run);
    await claim('prefers-own-region', async () => {
      expect((await sleep.proxy.configDump()).prioritiesOf(cluster)).toEqual({ [toNear]: 0, [toPeer]: 1 });
    });

    const during = await underLoad(run, sleep, load, [
      ['remove-replica', 'remove the local replica', replicas(0), at.replicaGone],
      ['kill-gateway', 'kill one of the peer’s two gateway pods', () => server.mesh.kill(ingress), at.gatewayKilled],
      ['kill-control-planes', 'kill both control planes', both((mesh) => mesh.kill('istiod')), at.controlPlanesKilled],
      ['return-replica', 'bring the local replica back', replicas(1), at.replicaBack],
      ['recover', 'wait until both control planes serve every proxy again', both((mesh) => mesh.recovered())],
    ]);
    await claim('served-locally', () => {
      const before = during(0, at.replicaGone - 1);
      expect(before.servedBy(local.pod)).toBe(before.all);
      return lost(before, 0);
    });
    await claim('fails-over', () => {
      const settled = during(at.gatewayKilled - 5, at.gatewayKilled - 1);
      expect(settled.servedBy(remote.pod)).toBe(settled.all);
      return lost(during(at.replicaGone - 1, at.gatewayKilled - 1), load.perSecond);
    });
    await claim('survives-gateway', () =>
      lost(during(at.gatewayKilled - 1, at.controlPlanesKilled - 1), load.perSecond),
    );
    // Up to the end of the load: control planes are back only after the local replica is.
    await claim('survives-control-planes', () => lost(during(at.controlPlanesKilled - 1, at.end), 0));
    await claim('returns', () => {
      const settled = during(at.end - 3, at.end);
      expect(settled.servedBy(remote.pod)).toBe(0);
      lost(settled, 0);
      return `${during(at.replicaBack - 1, at.end).told}; ${during(0, at.end).told} in all`;
    });
  },
);
