import { isDeepStrictEqual } from 'node:util';
import type { V1Pod } from '@kubernetes/client-node';
import { apiMessage, isAbsent, isRefusal } from '../cluster/api-errors.ts';
import type { ClusterApi } from '../cluster/cluster-api.ts';

/** A pod, as far as it is made anew by its Deployment and by whoever changes pods when they are made. */
type Made = Pick<V1Pod, 'metadata' | 'spec'>;

/**
 * Why a pod is not as it would be made now: its sidecar was injected with other values, a policy refuses it by now. A
 * pod stays as it was made, so one of an earlier run says nothing of what the mesh does to pods today.
 *
 * The API server is asked for another pod of the same template, by a dry run: webhooks and admission policies answer as
 * if it were meant, and nothing is written.
 *
 * @param name of the pod
 * @param deployment of which it is
 * @returns undefined for one that is as it would be made now, or where that cannot be asked
 */
export async function staleness(
  api: Pick<ClusterApi, 'core' | 'apps'>,
  { namespace, name, deployment }: { readonly namespace: string; readonly name: string; readonly deployment: string },
): Promise<string | undefined> {
  const [pod, { spec }] = await Promise.all([
    api.core.readNamespacedPod({ namespace, name }),
    api.apps.readNamespacedDeployment({ namespace, name: deployment }),
  ]);
  const { labels, generateName, ownerReferences } = pod.metadata ?? {};
  const hash = labels?.['pod-template-hash'];
  if (spec === undefined || hash === undefined || generateName === undefined) return undefined;
  const { metadata, spec: podSpec } = spec.template;
  const body: V1Pod = {
    metadata: {
      generateName,
      namespace,
      labels: { ...metadata?.labels, 'pod-template-hash': hash },
      ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
    },
    ...(podSpec === undefined ? {} : { spec: podSpec }),
  };
  try {
    return difference(pod, await api.core.createNamespacedPod({ namespace, body, dryRun: 'All' }));
  } catch (error) {
    // What cannot be asked by a dry run says nothing of pods that are meant.
    if (!isRefusal(error) || isAbsent(error) || /dry ?run/i.test(apiMessage(error))) return undefined;
    return apiMessage(error);
  }
}

/** The first part of a pod that is not as in another one of the same template. */
export function difference(pod: Made, another: Made): string | undefined {
  const [is, would] = [partsOf(pod), partsOf(another)];
  const names = [...new Set([...is.keys(), ...would.keys()])];
  const differs = names.find((name) => !isDeepStrictEqual(is.get(name), would.get(name)));
  return differs === undefined ? undefined : `${differs} would be another now`;
}

/** What is given to one pod alone: its node, and the name of the volume with its token. */
function partsOf({ metadata, spec }: Made): Map<string, unknown> {
  const { nodeName: _node, ephemeralContainers: _debugging, ...rest } = spec ?? {};
  const plain = JSON.parse(
    JSON.stringify({ labels: metadata?.labels ?? {}, annotations: metadata?.annotations ?? {}, ...rest }).replaceAll(
      /kube-api-access-[a-z0-9]{5}/g,
      'kube-api-access',
    ),
  ) as Record<string, unknown>;
  return new Map(Object.entries(plain));
}
