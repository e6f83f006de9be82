import { createHash, createHmac } from 'node:crypto';
import pLimit from 'p-limit';
import { apiMessage, isUnknownKind } from '../cluster/api-errors.ts';
import type { ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { redact } from '../tape/redact/value.ts';
import { listIn, recordIn, textIn } from './causes/reading.ts';
import { fieldsOf } from './changes.ts';
import { fieldsOfOthers } from './field-managers.ts';
import type { SeenObject } from './situation.ts';
import { anyOf } from '../text/any-of.ts';

/** Kinds of the mesh's own objects: on every cluster they may be read, wherever they are. */
const meshKinds: readonly (readonly [apiVersion: string, kind: string])[] = [
  ...['ServiceEntry', 'DestinationRule', 'VirtualService', 'Gateway', 'Sidecar', 'WorkloadEntry', 'WorkloadGroup'].map(
    (kind) => ['networking.istio.io/v1', kind] as const,
  ),
  ['networking.istio.io/v1alpha3', 'EnvoyFilter'],
  ['networking.istio.io/v1beta1', 'ProxyConfig'],
  ...['AuthorizationPolicy', 'PeerAuthentication', 'RequestAuthentication'].map(
    (kind) => ['security.istio.io/v1', kind] as const,
  ),
  ['telemetry.istio.io/v1', 'Telemetry'],
  ['extensions.istio.io/v1alpha1', 'WasmPlugin'],
  ['extensions.istio.io/v1alpha1', 'TrafficExtension'],
];

const definition = ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'] as const;

/** API groups whose objects configure meshes: whichever kinds a newer Istio has in them, they may matter. */
const meshGroups = /(^|\.)istio\.io$|^gateway\.networking\.k8s\.io$/;

/** What the mesh stands on. */
const clusterKinds: readonly (readonly [apiVersion: string, kind: string])[] = [
  ...[
    'Node',
    'Namespace',
    'Pod',
    'Service',
    'ServiceAccount',
    'ConfigMap',
    'Secret',
    'ResourceQuota',
    'LimitRange',
  ].map((kind) => ['v1', kind] as const),
  ...['Deployment', 'DaemonSet', 'StatefulSet'].map((kind) => ['apps/v1', kind] as const),
  ['discovery.k8s.io/v1', 'EndpointSlice'],
  ['networking.k8s.io/v1', 'NetworkPolicy'],
  ['admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration'],
  ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRoleBinding'],
  ['rbac.authorization.k8s.io/v1', 'Role'],
  ['rbac.authorization.k8s.io/v1', 'RoleBinding'],
  ['metallb.io/v1beta1', 'IPAddressPool'],
  ['metallb.io/v1beta1', 'L2Advertisement'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler'],
  ['admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy'],
  ['admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicyBinding'],
  ['scheduling.k8s.io/v1', 'PriorityClass'],
  ['flowcontrol.apiserver.k8s.io/v1', 'FlowSchema'],
  ['flowcontrol.apiserver.k8s.io/v1', 'PriorityLevelConfiguration'],
  definition,
  ['apiregistration.k8s.io/v1', 'APIService'],
];

/** Kinds whose status tells how they fare. */
const withStatus = new Set(['Node', 'Pod', 'Service', 'Deployment', 'DaemonSet', 'StatefulSet']);

/** Annotations that repeat the object or that machinery leaves. */
const machinery = new RegExp(
  `^(${anyOf(
    /kubectl\.kubernetes\.io\/|deployment\.kubernetes\.io\/|deprecated\.daemonset|control-plane\.alpha/,
    /node\.alpha|volumes\.kubernetes|kubeadm\.|cni\./,
  )})`,
);

/**
 * The objects of a cluster that can have to do with a call.
 *
 * @param among on clusters of other people: only these namespaces, and only what is the mesh's or meshproof's own
 * @param key by which values that must not be written down are hashed, so that a change of theirs shows; without it
 *   they do not show at all
 * @returns the objects, and for each kind that could not be listed a line that says why
 */
export async function seeObjects(
  api: Pick<ClusterApi, 'listObjects'>,
  among?: readonly string[],
  key?: string,
): Promise<{ readonly objects: SeenObject[]; readonly unseen: string[] }> {
  const limit = pLimit(8);
  const unseen: string[] = [];
  const ownKinds = new Set(['Namespace', 'Pod', 'Service', 'Deployment']);
  const kinds =
    among === undefined
      ? [...meshKinds, ...(await newerMeshKinds(api)), ...clusterKinds]
      : [...meshKinds, ...clusterKinds.filter(([, kind]) => ownKinds.has(kind))];
  const lists = await Promise.all(
    kinds.map(([apiVersion, kind]) =>
      limit(async () => {
        try {
          if (among === undefined || kind === 'Namespace') return await api.listObjects(apiVersion, kind);
          // Other people's namespaces are not even asked for.
          const places = [...new Set(among)].map((place) => api.listObjects(apiVersion, kind, undefined, place));
          return (await Promise.all(places)).flat();
        } catch (error) {
          // A kind that the cluster does not know has no objects; one that may not be listed is told.
          if (!isUnknownKind(error)) unseen.push(`${kind}: ${apiMessage(error)}`);
          return [];
        }
      }),
    ),
  );
  const objects = lists.flat().map((object) => seenObject(object, key));
  const allowed = ({ kind, namespace, name }: SeenObject): boolean =>
    among === undefined || among.includes(kind === 'Namespace' ? name : (namespace ?? ''));
  return { objects: objects.filter(allowed), unseen };
}

/** Kinds of the mesh's groups that are in no list of ours, as the cluster defines them. */
async function newerMeshKinds(api: Pick<ClusterApi, 'listObjects'>): Promise<(readonly [string, string])[]> {
  // That definitions cannot be listed is told where they are listed as objects.
  const definitions = await api.listObjects(...definition).catch(() => []);
  return definitions.flatMap((object) => {
    const [group, kind] = [textIn(object, 'spec.group'), textIn(object, 'spec.names.kind')];
    if (!meshGroups.test(group) || meshKinds.some(([known, one]) => one === kind && known.startsWith(`${group}/`)))
      return [];
    const stored = listIn(object, 'spec.versions').find((version) => recordIn(version)['storage'] === true);
    return [[`${group}/${textIn(stored, 'name')}`, kind] as const];
  });
}

/** An object without what machinery writes into it; of a Secret a hash of its contents only. */
export function seenObject(object: KubernetesObject, key?: string): SeenObject {
  const { apiVersion, kind, metadata, status, ...body } = object;
  const { creationTimestamp, deletionTimestamp } = metadata as {
    readonly creationTimestamp?: Date | string;
    readonly deletionTimestamp?: Date | string;
  };
  const { finalizers = [] } = metadata;
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([name]) => !machinery.test(name));
  const plain = JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
  const others = fieldsOfOthers(metadata.managedFields ?? []);
  const seen: SeenObject = {
    apiVersion,
    kind,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    name: metadata.name,
    labels: { ...metadata.labels },
    annotations: Object.fromEntries(annotations),
    body: kind === 'CustomResourceDefinition' ? withoutSchemas(plain) : withoutSecrets(kind, metadata.name, plain),
    ...(withStatus.has(kind) && status !== undefined
      ? { status: JSON.parse(JSON.stringify(status)) as Record<string, unknown> }
      : {}),
    ...(creationTimestamp === undefined ? {} : { createdAt: new Date(creationTimestamp).toISOString() }),
    ...(deletionTimestamp === undefined ? {} : { deleting: true }),
    ...(deletionTimestamp === undefined || finalizers.length === 0 ? {} : { finalizers: [...finalizers] }),
    ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
    ...(others === undefined ? {} : { setByOthers: others }),
  };
  return key === undefined ? seen : { ...seen, hidden: hiddenValues(seen, key) };
}

/** The values that the redactor leaves out, each by a keyed hash. */
function hiddenValues(seen: SeenObject, key: string): { readonly at: string; readonly is: string }[] {
  // Of a Secret only hashes are left by now.
  if (seen.kind === 'Secret') return [];
  const shown = fieldsOf(redact({ labels: seen.labels, annotations: seen.annotations, body: seen.body }));
  return [...fieldsOf(seen)]
    .filter(([at, value]) => shown.get(at) !== value)
    .map(([at, value]) => ({ at, is: createHmac('sha256', key).update(value).digest('hex').slice(0, 16) }));
}

/**
 * Of a kind's definition its name and versions: schemas are long, and what is not in them is refused before it is an
 * object.
 */
function withoutSchemas({ spec }: Record<string, unknown>): Record<string, unknown> {
  const { versions, group, scope } = (spec ?? {}) as Record<string, unknown>;
  const served = (Array.isArray(versions) ? versions : []).map((version: unknown) => {
    const { name, served: is, storage } = version as Record<string, unknown>;
    return { name, served: is, storage };
  });
  return { spec: { group, scope, versions: served } };
}

/**
 * ConfigMaps whose text is the configuration of the mesh or of the cluster's DNS; of all others a hash tells enough.
 */
const readable = /^(istio(-.*)?|coredns|kube-dns|kube-proxy)$/;

const injector = 'istio-sidecar-injector';

/** Whether of an object only hashes are kept: that it is another shows, and what it was does not. */
export const isHashed = ({ kind, name }: Pick<SeenObject, 'kind' | 'name'>): boolean =>
  kind === 'Secret' ||
  kind === 'CustomResourceDefinition' ||
  (kind === 'ConfigMap' && !readable.test(name)) ||
  // Of its templates there are hashes only, too.
  name === injector;

function withoutSecrets(kind: string, name: string, body: Record<string, unknown>): Record<string, unknown> {
  if (kind === 'ConfigMap' && name === injector) return { ...body, data: injectorsData(body['data']) };
  if (isHashed({ kind, name }))
    return Object.fromEntries(
      Object.entries(body).map(([field, value]) =>
        field === 'data' || field === 'binaryData' || field === 'stringData' ? [field, hashed(value)] : [field, value],
      ),
    );
  return body;
}

/** What sidecars are injected with: the values field by field, and of the long templates only that they are others. */
function injectorsData(data: unknown): Record<string, unknown> {
  const { values, ...others } = (data ?? {}) as Record<string, unknown>;
  if (typeof values !== 'string') return hashed(data);
  try {
    return { ...hashed(others), values: JSON.parse(values) as unknown };
  } catch {
    // Istio could not read them either.
    return { ...hashed(others), values };
  }
}

/** Each entry by a hash: it tells that one is another, and nothing of what it is. */
const hashed = (data: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries((data ?? {}) as Record<string, unknown>).map(([key, value]) => [
      key,
      `sha256:${createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)}`,
    ]),
  );
