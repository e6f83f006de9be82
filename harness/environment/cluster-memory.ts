import { memoryOfNode } from '../cluster/node-memory.ts';
import { providerNamed } from '../cluster/providers/registry.ts';
import type { Environment } from '../scenario/environment.ts';
import { Docker } from '../toolchain/docker.ts';

/**
 * Bytes of memory that each cluster works with, by its name; empty where the clusters are no containers of this
 * machine.
 *
 * @throws MeshproofError MP702 when a node does not tell.
 */
export async function clusterMemory({
  name,
  provider,
  clusters,
  programs,
  dockerHost,
}: Environment): Promise<Record<string, number>> {
  const { nodeOf } = providerNamed(provider);
  if (nodeOf === undefined) return {};
  const docker = new Docker(programs.docker, dockerHost);
  const known = clusters.map(
    async (cluster) => [cluster.name, await memoryOfNode(docker, nodeOf(name, cluster.name))] as const,
  );
  return Object.fromEntries(await Promise.all(known));
}
