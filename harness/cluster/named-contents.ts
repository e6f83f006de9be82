import type { ClusterReads } from './cluster-reads.ts';
import { objectName } from './kubernetes-object.ts';

/** The namespace, its workloads and its Istio objects, each as "Kind namespace/name". */
export async function namedContents(api: ClusterReads, namespace: string): Promise<string[]> {
  const kinds: readonly (readonly [string, string])[] = [
    ['v1', 'Pod'],
    ['v1', 'Service'],
    ['v1', 'ServiceAccount'],
    ['apps/v1', 'Deployment'],
    ['networking.istio.io/v1', 'ServiceEntry'],
    ['networking.istio.io/v1', 'DestinationRule'],
    ['networking.istio.io/v1', 'VirtualService'],
    ['networking.istio.io/v1', 'Gateway'],
  ];
  const lists = await Promise.all(
    kinds.map(async ([apiVersion, kind]) => {
      const found = await api.listObjects(apiVersion, kind, undefined, namespace);
      return found.map(({ metadata }) => objectName({ kind, metadata }));
    }),
  );
  const own = await api.read({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  return [...(own === undefined ? [] : [`Namespace ${namespace}`]), ...lists.flat()];
}
