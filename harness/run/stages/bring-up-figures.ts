import { ClusterApi } from '../../cluster/cluster-api.ts';
import { providerNamed } from '../../cluster/providers/registry.ts';
import { clusterMemory } from '../../environment/cluster-memory.ts';
import { asMeshproofError, describeError } from '../../errors/meshproof-error.ts';
import { bringUpMoments, type BringUpMoments } from '../../mesh/bring-up-moments.ts';
import { topologyNamed } from '../../mesh/topologies/registry.ts';
import type { ClusterMilestone, Milestone } from '../../report/milestones.ts';
import type { Environment, EnvironmentCluster } from '../../scenario/environment.ts';
import { Docker } from '../../toolchain/docker.ts';
import type { Stage } from '../request.ts';

/**
 * Notes what bringing an environment up took, beyond the times of its phases: when each cluster had what, and how much
 * memory it has. Figures are worth having, and never worth a run: those that cannot be had are told, and left out.
 */
export async function noteBringUp(environment: Environment, { record, progress }: Stage): Promise<void> {
  // Of clusters that somebody has their objects tell how those came about, and not what this run did.
  if (providerNamed(environment.provider).nodeOf === undefined) return;
  const startedAt = new Date(record.data.startedAt);
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      progress.note(`${what} is not known: ${describeError(asMeshproofError(error))}`);
      return undefined;
    }
  };
  const [clusterMemoryBytes, reached] = await Promise.all([
    attempt('the memory of the clusters', () => clusterMemory(environment)),
    attempt('when each cluster had what', () =>
      Promise.all(
        environment.clusters.map(async (cluster) => {
          const booted = await bootOf(environment, cluster);
          const moments = await bringUpMoments(new ClusterApi(cluster), topologyNamed(environment.topology), booted);
          return milestonesOf(cluster.name, moments, startedAt);
        }),
      ),
    ),
  ]);
  await record.note({
    ...(clusterMemoryBytes === undefined ? {} : { clusterMemoryBytes }),
    ...(reached === undefined ? {} : { bringUp: reached.flat() }),
  });
}

/** When the node of a cluster was started. */
async function bootOf(
  { name, provider, programs, dockerHost }: Environment,
  cluster: EnvironmentCluster,
): Promise<Date | undefined> {
  const node = providerNamed(provider).nodeOf?.(name, cluster.name);
  if (node === undefined) return undefined;
  const { stdout } = await new Docker(programs.docker, dockerHost).run(
    ['container', 'inspect', '--format', '{{.State.StartedAt}}', node],
    { code: 'MP702', timeout: 20_000 },
  );
  const booted = new Date(stdout.trim());
  return Number.isNaN(booted.getTime()) ? undefined : booted;
}

const names: Readonly<Record<keyof BringUpMoments, Milestone>> = {
  node: 'node',
  apiServer: 'API server',
  definitions: 'custom resources',
  istiod: 'istiod',
  injection: 'injection',
  gateways: 'gateways',
  loadBalancer: 'MetalLB',
  address: 'load balancer address',
};

/** Moments of a cluster as seconds of a run. */
export function milestonesOf(cluster: string, moments: BringUpMoments, startedAt: Date): ClusterMilestone[] {
  const seconds = (at: Date): number => Math.round((at.getTime() - startedAt.getTime()) / 100) / 10;
  return (Object.keys(names) as (keyof BringUpMoments)[]).flatMap((key) => {
    const span = moments[key];
    return span === undefined ? [] : [{ cluster, what: names[key], from: seconds(span.from), to: seconds(span.to) }];
  });
}
