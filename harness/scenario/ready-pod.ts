import type { V1Pod } from '@kubernetes/client-node';
import type { ClusterApi } from '../cluster/cluster-api.ts';
import { cannotPull } from '../cluster/pod-summary.ts';
import { holdsIn, recordIn, valueAt } from '../diagnose/causes/reading.ts';
import { patience, Stuck } from '../wait/stuck.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { anyOf } from '../text/any-of.ts';

/** Reasons by which the kubelet says that it cannot start a container as it is declared. */
const neverStarts = new RegExp(
  `^(${anyOf(cannotPull, /CreateContainer\w*Error|RunContainerError|CrashLoopBackOff/)})$`,
);

/**
 * Waits for the one pod of an app whose containers, the sidecar among them, are all ready. It ends before its deadline
 * when Kubernetes says that there will be none: an image that cannot be had, a quota that is used up, a container that
 * ends as soon as it starts; or when the pod has no sidecar, since a pod never gets one later.
 *
 * @param labelSelector of the pods, `app=sleep`
 * @throws MeshproofError MP701 with the state of each of its pods.
 */
export async function readyPod(
  api: ClusterApi,
  namespace: string,
  labelSelector: string,
  options: { readonly within: number; readonly signal: AbortSignal },
): Promise<{ readonly name: string; readonly address: string; readonly createdAt: Date | undefined }> {
  const { name: cluster } = api.address;
  const stuck = new Stuck();
  return await waitFor({
    name: `a pod with ${labelSelector} in ${namespace} of ${cluster} is ready with its sidecar`,
    where: `cluster ${cluster}`,
    ...options,
    settled: async () =>
      stuck.for >= patience && (stuck.on !== noPod || (await mayHaveNoPods(api, namespace, labelSelector))),
    look: async () => {
      const { items } = await api.core.listNamespacedPod({ namespace, labelSelector });
      const living = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
      const ready = living.find((pod) => isReady(pod) && sidecarOf(pod)?.ready === true);
      if (ready?.metadata?.name !== undefined)
        return holds({
          name: ready.metadata.name,
          address: ready.status?.podIP ?? '',
          createdAt: ready.metadata.creationTimestamp,
        });
      stuck.see(hopeless(living));
      return notYet(living.map(described).join('; ') || noPod);
    },
  });
}

const noPod = 'no pod';

/** What keeps pods from ever being ready; undefined while they may yet be. */
export function hopeless(pods: readonly V1Pod[]): string | undefined {
  if (pods.length === 0) return noPod;
  const reasons = pods.map((pod) => {
    const waiting = statusesOf(pod).map(({ state }) => state?.waiting?.reason ?? '');
    // A container that fails again and again waits longer each time, and runs for a moment in between.
    const failing = statusesOf(pod).some(({ restartCount, ready }) => restartCount > 1 && !ready);
    return (
      waiting.find((reason) => neverStarts.test(reason)) ??
      (failing ? 'CrashLoopBackOff' : isReady(pod) && sidecarOf(pod) === undefined ? 'no sidecar' : undefined)
    );
  });
  return reasons.includes(undefined) ? undefined : [...new Set(reasons)].join(', ');
}

const statusesOf = ({ status }: V1Pod): NonNullable<NonNullable<V1Pod['status']>['containerStatuses']> => [
  ...(status?.containerStatuses ?? []),
  ...(status?.initContainerStatuses ?? []),
];
const sidecarOf = (pod: V1Pod): ReturnType<typeof statusesOf>[number] | undefined =>
  statusesOf(pod).find(({ name }) => name === 'istio-proxy');
/** True for a pod that serves, as the kubelet sees it. */
const isReady = ({ status }: V1Pod): boolean =>
  (status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True');

/** True for a pod that serves, and is not on its way out. */
export const isServing = (pod: V1Pod): boolean => pod.metadata?.deletionTimestamp === undefined && isReady(pod);

const described = ({ metadata, status }: V1Pod): string => {
  const containers = (status?.containerStatuses ?? []).map(({ name, ready, state }) => {
    const reason = state?.waiting?.reason;
    return `${name} ${ready ? 'ready' : 'not ready'}${reason === undefined ? '' : ` (${reason})`}`;
  });
  return `${metadata?.name ?? ''}: ${containers.join(', ')}`;
};

/** Whether the Deployment of these pods wants none, or is refused the ones that it wants. */
async function mayHaveNoPods(api: ClusterApi, namespace: string, labelSelector: string): Promise<boolean> {
  const deployments = await api.listObjects('apps/v1', 'Deployment', undefined, namespace);
  return deployments.some((deployment) => {
    const selector = recordIn(valueAt(deployment, 'spec.selector.matchLabels'));
    const selects = Object.entries(selector).some(([label, value]) => `${label}=${String(value)}` === labelSelector);
    const refused = holdsIn(deployment.status, 'ReplicaFailure');
    return selects && (refused || valueAt(deployment, 'spec.replicas') === 0);
  });
}
