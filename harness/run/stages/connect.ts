import { writeFile } from 'node:fs/promises';
import { ClusterApi } from '../../cluster/cluster-api.ts';
import { offers } from '../../cluster/providers/registry.ts';
import { baselinePath } from '../../environment/state.ts';
import { gatewaysOf } from '../../mesh/install.ts';
import { waitForGatewayReachable, waitForProxiesSynced } from '../../mesh/readiness.ts';
import { topologyNamed } from '../../mesh/topologies/registry.ts';
import type { Task } from '../../progress/progress.ts';
import type { Environment } from '../../scenario/environment.ts';
import { takeBaseline } from '../../scenario/look-around.ts';
import type { Stage } from '../request.ts';

/** Connects the control planes, as their topology has it. */
export async function connect(
  environment: Environment,
  apis: readonly ClusterApi[],
  { progress, signal }: Stage,
): Promise<void> {
  const { programs, topology, clusters } = environment;
  const task: Task = {
    title: `connect the control planes (${topology})`,
    run: async (say, taskSignal) => {
      const how = { programs, within: 60_000, signal: taskSignal };
      say('letting each know of the others');
      await topologyNamed(topology).connect(apis, how);
      say('waiting until each has read the others');
      await topologyNamed(topology).ready(clusters, how);
    },
  };
  await progress.group('mesh', [task], { signal });
}

/**
 * Readiness from the mesh's own words: every proxy has acknowledged what istiod sent, and each gateway answers its
 * peers.
 *
 * @throws MeshproofError for the first that does not in time.
 */
export async function proveReady(environment: Environment, { progress, signal }: Stage): Promise<void> {
  const { programs, provider, clusters } = environment;
  const topology = topologyNamed(environment.topology);
  await progress.group(
    'mesh',
    clusters.map((cluster) => ({
      title: `${cluster.name} ready`,
      run: async (say, taskSignal) => {
        say('waiting for all proxies to acknowledge');
        const gateways = offers(provider, 'ownsMesh')
          ? topology.gateways
          : await gatewaysOf(new ClusterApi(cluster), topology);
        const how = { within: 60_000, signal: taskSignal, gateways };
        await waitForProxiesSynced(programs.kubectl, cluster, how);
        for (const { name, gateway } of clusters.filter(({ name }) => name !== cluster.name)) {
          say(`calling the gateway of ${name}`);
          const peer = { name, address: gateway?.address ?? '', nodePorts: gateway?.nodePorts };
          await waitForGatewayReachable(programs.kubectl, cluster, peer, {
            within: 30_000,
            signal: taskSignal,
            gateway: topology.ingressGateway,
          });
        }
      },
    })),
    { signal },
  );
}

/** Takes down what each cluster is like now: causes of later failures are found by what is no longer so. */
export async function keepBaselines(environment: Environment, apis: readonly ClusterApi[]): Promise<void> {
  if (!offers(environment.provider, 'ownsMesh')) return;
  await Promise.all(
    apis.map(async (api) => {
      const baseline = await takeBaseline(environment, api);
      await writeFile(baselinePath(environment.name, api.address.name), JSON.stringify(baseline), { mode: 0o600 });
    }),
  );
}
