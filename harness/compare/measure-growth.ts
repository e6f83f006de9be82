import { clusterMemory } from '../environment/cluster-memory.ts';
import type { Growth } from '../report/growth.ts';
import { openRun } from '../run/record/open-run.ts';
import type { Environment } from '../scenario/environment.ts';
import { countProxies, growingMesh } from './growing-mesh.ts';
import { growth, type GrowthOptions } from './growth.ts';

/**
 * Measures how the mesh of a kept environment grows with its remote services.
 *
 * @throws MeshproofError MP509 for a mesh that meshproof did not install; and as `growth` does.
 */
export async function measureGrowth(environment: Environment, options: GrowthOptions): Promise<Growth> {
  const mesh = growingMesh(environment, options.progress, options.signal);
  const [proxies, memoryBytes, bringUpSeconds] = await Promise.all([
    countProxies(environment),
    clusterMemory(environment),
    bringUpOf(environment),
  ]);
  return {
    clusters: environment.clusterNames,
    topology: environment.topology,
    proxies,
    ...(bringUpSeconds === undefined ? {} : { bringUpSeconds }),
    memoryBytes,
    sizes: await growth(mesh, options),
  };
}

/** Seconds from the first cluster until the mesh was proven ready, by the record of the run that brought it up. */
async function bringUpOf({ runFolder }: Environment): Promise<number | undefined> {
  if (runFolder === undefined) return undefined;
  // Somebody may have removed it.
  const record = await openRun(runFolder).catch(() => undefined);
  const { clusters, mesh } = record?.data.phases ?? {};
  return clusters === undefined || mesh === undefined ? undefined : Math.round((mesh.to - clusters.from) * 10) / 10;
}
