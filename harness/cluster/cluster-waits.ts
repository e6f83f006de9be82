import { patience, Stuck } from '../wait/stuck.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { isAbsent, isBooting } from './api-errors.ts';
import type { ClusterReads } from './cluster-reads.ts';
import { podSummary } from './pod-summary.ts';

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
 * Waits until a deployment has rolled out. It ends before its deadline when the API server refuses its pods for a
 * reason that stays: a quota, a policy; not a webhook, which may be about to answer.
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
      // The words name another pod each time.
      stuck.see(refusal === undefined ? undefined : 'a refusal');
      return notYet(refusal ?? (await podSummary(api.core, namespace, spec?.selector.matchLabels ?? {})));
    },
    tolerates: isBooting,
  });
}
