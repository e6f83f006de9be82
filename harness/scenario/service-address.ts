import type { ClusterApi } from '../cluster/cluster-api.ts';
import type { MeshClusterOptions } from './mesh-cluster-options.ts';

/** The cluster IP of a service, and the name under which it resolves. */
export async function serviceAddress(
  api: ClusterApi,
  { cluster, journal }: Pick<MeshClusterOptions, 'cluster' | 'journal'>,
  namespace: string,
  name: string,
): Promise<{ readonly address: string; readonly hostname: string }> {
  const { spec } = await api.core.readNamespacedService({ namespace, name });
  const address = spec?.clusterIP ?? '';
  journal.note({
    cluster: cluster.name,
    command: `kubectl get --context=${cluster.name} -n ${namespace} svc ${name} -o jsonpath={.spec.clusterIP}`,
    output: address,
  });
  return { address, hostname: `${name}.${namespace}.svc.cluster.local` };
}
