import type { ApisApi, CoreV1Api, CustomObjectsApi } from '@kubernetes/client-node';
import { type KubernetesObjectApi, type V1APIResource } from '@kubernetes/client-node';
import pLimit from 'p-limit';
import { isAbsent, isForbidden } from './api-errors.ts';
import { objectName, type KubernetesObject } from './kubernetes-object.ts';
import { isOwn } from './labels.ts';

/** What a namespace holds that is not the owner's, and what kinds could not be looked for. */
export interface ForeignContents {
  readonly foreign: readonly string[];
  readonly unseen: readonly string[];
}

export interface NamespaceReader {
  readonly apis: ApisApi;
  readonly core: CoreV1Api;
  readonly custom: CustomObjectsApi;
  readonly objects: KubernetesObjectApi;
}

/** What Kubernetes, Istio and common platforms put into every namespace by themselves. */
const everywhere = new Set([
  'ServiceAccount default',
  'ConfigMap kube-root-ca.crt',
  'ConfigMap istio-ca-root-cert',
  'ConfigMap istio-ca-crl',
  'ConfigMap openshift-service-ca.crt',
]);
/** Notes and figures about other objects, which go with them. */
const derived = new Set(['Event', 'PodMetrics', 'Endpoints']);

/**
 * Looks through every kind that a namespace can hold for what its owner did not make, neither itself nor by its
 * controllers: a namespace that is deleted takes all of it along.
 */
export async function foreignContents(
  reader: NamespaceReader,
  namespace: string,
  owner: string | undefined,
): Promise<ForeignContents> {
  const unseen: string[] = [];
  const limit = pLimit(8);
  const kinds = await kindsOf(reader, ({ namespaced }) => namespaced);
  const lists = await Promise.all(
    kinds.map(({ apiVersion, kind }) =>
      limit(async () => {
        try {
          const { items } = await reader.objects.list<KubernetesObject>(apiVersion, kind, namespace);
          return items.map((item) => ({ ...item, apiVersion, kind }));
        } catch (error) {
          if (isForbidden(error)) unseen.push(kind);
          else if (!isAbsent(error)) throw error;
          return [];
        }
      }),
    ),
  );
  const all = lists.flat();
  const own = new Set<string>();
  for (const object of all) if (isOwn(object, owner)) own.add(object.metadata.uid ?? '');
  // A pod belongs to a ReplicaSet, and that to the deployment: followed until nothing is added.
  const belongs = ({ metadata }: KubernetesObject): boolean =>
    (metadata.ownerReferences ?? []).some(({ uid }) => own.has(uid));
  for (let before = -1; before !== own.size;) {
    before = own.size;
    for (const object of all) if (belongs(object)) own.add(object.metadata.uid ?? '');
  }
  const foreign = all.filter(
    ({ kind, metadata }) => !own.has(metadata.uid ?? '') && !everywhere.has(`${kind} ${metadata.name}`),
  );
  return { foreign: [...new Set(foreign.map(objectName))], unseen };
}

/** Kinds whose objects can be listed and deleted, of whatever group; what others make of an object goes with it. */
export const deletableKinds = (reader: Omit<NamespaceReader, 'objects'>): ReturnType<typeof kindsOf> =>
  kindsOf(reader, ({ verbs }) => verbs.includes('delete'));

async function kindsOf(
  { apis, core, custom }: Omit<NamespaceReader, 'objects'>,
  wanted: (resource: V1APIResource) => boolean,
): Promise<readonly { readonly apiVersion: string; readonly kind: string }[]> {
  const { groups } = await apis.getAPIVersions();
  const listed = async (apiVersion: string, resources: Promise<{ resources: V1APIResource[] }>) =>
    (await resources).resources
      .filter((resource) => resource.verbs.includes('list') && !resource.name.includes('/') && wanted(resource))
      .map(({ kind }) => ({ apiVersion, kind }))
      .filter(({ kind }) => !derived.has(kind));
  const found = await Promise.all([
    listed('v1', core.getAPIResources()),
    ...groups.map(({ name, preferredVersion, versions }) => {
      const { groupVersion = '', version = '' } = preferredVersion ?? versions[0] ?? {};
      return listed(groupVersion, custom.getAPIResources({ group: name, version }));
    }),
  ]);
  return found.flat();
}
