import { CoreV1Api } from '@kubernetes/client-node';
import { apiClient } from '../cluster/api-client.ts';
import { apiMessage } from '../cluster/api-errors.ts';
import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { readKubeconfig } from '../cluster/read-kubeconfig.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { getFromPod, istiodDebug } from '../probe/loopback.ts';
import type { PodContainer } from '../probe/pod.ts';
import { systemNamespace } from './operator.ts';

/**
 * How long a list of istiod's pods is taken for true, in milliseconds: a barrier asks several times a second, and pods
 * rarely change.
 */
const trustedFor = 5_000;
const known = new Map<string, { readonly at: number; readonly pods: Promise<readonly string[]> }>();

/**
 * Asks every istiod of a cluster for one of its debug pages: a proxy is connected to one of them, and only that one
 * knows of it.
 *
 * @param path e.g. `/debug/syncz`
 * @returns an answer for each istiod that gave one
 * @throws MeshproofError MP702 when none did.
 */
export async function askIstiods(kubectl: string, cluster: ClusterAddress, path: string): Promise<string[]> {
  const pods = await istiodPods(cluster);
  const answers = await Promise.allSettled(
    pods.map(async (pod) => {
      const where = { ...whereOf(cluster), namespace: systemNamespace, pod, container: 'discovery' };
      return await getFromPod(kubectl, where, istiodDebug, path);
    }),
  );
  const given = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  if (given.length > 0) return given;
  // A pod that has gone since is not asked again.
  known.delete(keyOf(cluster));
  const [refused] = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
  throw refused ?? notAnswered(cluster, path, 'istiod has no running pod');
}

async function istiodPods(cluster: ClusterAddress): Promise<readonly string[]> {
  const key = keyOf(cluster);
  const fresh = known.get(key);
  if (fresh !== undefined && performance.now() - fresh.at < trustedFor) return await fresh.pods;
  const pods = listPods(cluster);
  known.set(key, { at: performance.now(), pods });
  // What could not be listed is listed again the next time.
  pods.catch(() => known.delete(key));
  return await pods;
}

async function listPods(cluster: ClusterAddress): Promise<string[]> {
  try {
    const { items } = await apiClient(readKubeconfig(cluster), CoreV1Api, []).listNamespacedPod({
      namespace: systemNamespace,
      labelSelector: 'app=istiod',
      fieldSelector: 'status.phase=Running',
    });
    return items.flatMap(({ metadata }) => metadata?.name ?? []);
  } catch (cause) {
    const seen = apiMessage(cause);
    throw new MeshproofError('MP702', { what: 'could not find the pods of istiod', where: whereIs(cluster), seen });
  }
}

const keyOf = ({ kubeconfig, context }: ClusterAddress): string => `${kubeconfig} ${context}`;
const whereOf = ({
  name,
  kubeconfig,
  context,
  foreign,
}: ClusterAddress): Pick<PodContainer, 'cluster' | 'kubeconfig' | 'context' | 'foreign'> => ({
  cluster: name,
  kubeconfig,
  context,
  foreign,
});

const whereIs = ({ name }: ClusterAddress): string => `cluster ${name}`;
const notAnswered = (cluster: ClusterAddress, path: string, seen: string): MeshproofError =>
  new MeshproofError('MP702', { what: `istiod did not answer ${path}`, where: whereIs(cluster), seen });
