import type { KubernetesObject as ClientObject, V1ManagedFieldsEntry, V1OwnerReference } from '@kubernetes/client-node';

/** Any Kubernetes object, typed as far as meshproof writes it; CRD kinds have their own builders in mesh/. */
export interface KubernetesObject extends ClientObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
    /** Who has to agree before it goes. */
    readonly finalizers?: string[];
    /** Given by the server. */
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    /** Set on one that is on its way out. */
    readonly deletionTimestamp?: Date;
    readonly managedFields?: V1ManagedFieldsEntry[];
    readonly ownerReferences?: V1OwnerReference[];
  };
  readonly [field: string]: unknown;
}

/** ".networking.istio.io": the API group as names of kinds carry it; "" for the core group. */
export const groupSuffix = (apiVersion: string): string =>
  apiVersion.includes('/') ? `.${apiVersion.slice(0, apiVersion.indexOf('/'))}` : '';

/** An object with labels beside those that it has. */
export const withLabels = (object: KubernetesObject, labels: Readonly<Record<string, string>>): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...labels } },
});

/** A workload whose pods get labels beside those that its template has; anything else as it is. */
export function withPodLabels(object: KubernetesObject, labels: Readonly<Record<string, string>>): KubernetesObject {
  const spec = object['spec'] as { readonly template?: Pick<Partial<KubernetesObject>, 'metadata'> } | undefined;
  const { template } = spec ?? {};
  if (template === undefined) return object;
  const metadata = { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } };
  return { ...object, spec: { ...spec, template: { ...template, metadata } } };
}

/** "ServiceEntry foo/httpbin-bar": how objects are named in messages. */
export function objectName(object: {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}): string {
  const { kind = 'object', metadata } = object;
  return metadata?.namespace === undefined
    ? `${kind} ${metadata?.name ?? ''}`
    : `${kind} ${metadata.namespace}/${metadata.name ?? ''}`;
}
