import { patience, Stuck } from '../wait/stuck.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { isAbsent, isBooting } from './api-errors.ts';
import type { ClusterReads } from './cluster-reads.ts';
import { cannotPull, podSummary } from './pod-summary.ts';

export interface GoneOptions {
  /** Milliseconds. */
  readonly within: number;
  readonly signal?: AbortSignal | undefined;
  /** Done before each look, e.g. to end pods that would drain. */
  readonly meanwhile?: () => Promise<void>;
}

/** Waits until a namespace is gone, with all that was in it. */
export async function namespaceIsGone(
  api: ClusterReads,
  name: string,
  { meanwhile, ...options }: GoneOptions,
): Promise<void> {
  await waitFor({
    name: `namespace ${name} of ${api.address.name} is gone`,
    where: `cluster ${api.address.name}`,
    ...options,
    look: async () => {
      await meanwhile?.();
      return (await api.read({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })) === undefined
        ? holds(undefined)
        : notYet('it is still terminating');
    },
  });
}

export interface RolloutOptions {
  /** Milliseconds. */
  readonly within: number;
  readonly code?: 'MP604' | 'MP701';
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whether an image is not to be had, by what the kubelet says. Clusters that meshproof made have every image in their
 * nodes already, so there no pull ever comes to an end; elsewhere a registry may only be slow, but what it refuses or
 * does not have it will not have in a minute either.
 */
function finalPull(summary: string, own: boolean): string | undefined {
  if (!cannotPull.test(summary)) return undefined;
  const final = /InvalidImageName|ErrImageNeverPull|not found|denied|unauthorized|manifest unknown/i;
  return own || final.test(summary) ? 'an image that is not to be had' : undefined;
}

/**
 * Waits until a deployment has rolled out. It ends before its deadline for a reason that stays: the API server refuses
 * its pods by a quota or a policy (not by a webhook, which may be about to answer), or an image is not to be had.
 */
export async function deploymentIsAvailable(
  api: ClusterReads,
  namespace: string,
  name: string,
  options: RolloutOptions,
): Promise<void> {
  const stuck = new Stuck();
  await waitFor({
    name: `deployment ${namespace}/${name} of ${api.address.name} is available`,
    where: `cluster ${api.address.name}`,
    every: 200,
    ...options,
    settled: () => Promise.resolve(stuck.for >= patience),
    look: async () => {
      const found = await api.apps.readNamespacedDeployment({ namespace, name }).catch((error: unknown) => {
        if (isAbsent(error)) return undefined;
        throw error;
      });
      if (found === undefined) return notYet('there is no such deployment');
      const { metadata, spec, status } = found;
      const wanted = spec?.replicas ?? 1;
      if (status !== undefined && status.observedGeneration === metadata?.generation) {
        const counts = [status.replicas, status.updatedReplicas, status.availableReplicas];
        if (counts.every((count) => (count ?? 0) === wanted)) return holds(undefined);
      }
      const failure = status?.conditions?.find(
        ({ type, status: value }) => type === 'ReplicaFailure' && value === 'True',
      );
      const refusal = failure?.message?.includes(' is forbidden: ') === true ? failure.message : undefined;
      const seen = refusal ?? (await podSummary(api.core, namespace, spec?.selector.matchLabels ?? {}));
      // The words name another pod each time.
      stuck.see(refusal === undefined ? finalPull(seen, api.address.foreign !== true) : 'a refusal');
      return notYet(seen);
    },
    tolerates: isBooting,
  });
}
