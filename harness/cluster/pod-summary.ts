import type { CoreV1Api, V1ContainerStatus } from '@kubernetes/client-node';

/** Reasons by which the kubelet says that it has not got the image of a container. */
export const cannotPull = /ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull/;

/** Why the pods with some labels are not ready, a line for each. */
export async function podSummary(core: CoreV1Api, namespace: string, labels: Record<string, string>): Promise<string> {
  const labelSelector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const { items } = await core.listNamespacedPod({ namespace, labelSelector });
  if (items.length === 0) return 'no pod yet';
  return items
    .map(({ metadata, status }) => {
      const statuses: V1ContainerStatus[] = [
        ...(status?.initContainerStatuses ?? []),
        ...(status?.containerStatuses ?? []),
      ];
      const containers = statuses
        .filter((container) => !container.ready && container.state?.terminated?.exitCode !== 0)
        .map(({ name, state, restartCount }) => {
          const why = state?.waiting?.reason ?? state?.terminated?.reason ?? 'running, not ready';
          const message = state?.waiting?.message ?? state?.terminated?.message;
          const restarts = restartCount > 0 ? `, ${restartCount} restarts` : '';
          return `${name}: ${why}${restarts}${message === undefined ? '' : ` (${message})`}`;
        });
      return `pod ${metadata?.name ?? ''} ${status?.phase ?? ''} ${containers.join('; ')}`.trim();
    })
    .join('\n');
}
