import { readFile } from 'node:fs/promises';
import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { ClusterApi } from '../cluster/cluster-api.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { ConfigDump } from '../probe/envoy/config-dump.ts';
import { Proxy } from '../probe/proxy.ts';
import { nearestTo } from '../probe/trace.ts';

export interface PodQuestion {
  readonly kubectl: string;
  readonly cluster: ClusterAddress;
  readonly namespace: string;
  /** A pod's name, the beginning of one, or the name of its app. */
  readonly pod: string;
}

/**
 * The config dump of a pod's proxy.
 *
 * @throws MeshproofError MP711 when no pod fits, or several of different apps do; MP702 when its proxy does not answer.
 */
export async function dumpOfPod({
  kubectl,
  cluster,
  namespace,
  pod,
}: PodQuestion): Promise<{ readonly name: string; readonly dump: ConfigDump }> {
  const { items } = await new ClusterApi(cluster).core.listNamespacedPod({ namespace });
  const living = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  const fitting = living.filter(
    ({ metadata }) =>
      metadata?.name === pod || metadata?.labels?.['app'] === pod || metadata?.name?.startsWith(`${pod}-`) === true,
  );
  const [found] = fitting;
  if (found?.metadata?.name === undefined) {
    const names = living.flatMap(({ metadata }) => metadata?.name ?? []);
    throw new MeshproofError('MP711', {
      what: `no pod ${pod} in namespace ${namespace}`,
      where: `cluster ${cluster.name}`,
      seen: names.length === 0 ? 'no pod at all' : `nearest: ${nearestTo(pod, names).join(', ')}`,
    });
  }
  const where = {
    cluster: cluster.name,
    kubeconfig: cluster.kubeconfig,
    context: cluster.context,
    namespace,
    pod: found.metadata.name,
    container: 'istio-proxy',
  };
  const unwatched = {
    keep: () => Promise.resolve(),
    keepBarrier: () => Promise.resolve(),
    noteHops: () => undefined,
    pushes: () => Promise.resolve(undefined),
  };
  const proxy = new Proxy(kubectl, where, unwatched);
  return { name: proxy.name, dump: await proxy.configDump() };
}

/**
 * A config dump that somebody saved: of Envoy's `/config_dump?include_eds`, or of `istioctl proxy-config all -o json`.
 *
 * @throws MeshproofError MP711 for a file that is not there or is no JSON, MP703 for one that is no config dump.
 */
export async function dumpOfFile(file: string): Promise<{ readonly name: string; readonly dump: ConfigDump }> {
  try {
    return { name: file, dump: ConfigDump.parse(JSON.parse(await readFile(file, 'utf8')), file) };
  } catch (error) {
    if (error instanceof MeshproofError) throw error;
    throw new MeshproofError('MP711', {
      what: `${file} holds no dump that can be read`,
      seen: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
}
