import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import type { ImageSet } from '../toolchain/images/image-set.ts';
import type { ClusterApi } from './cluster-api.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

const namespace = 'metallb-system';

export interface MetalLBOptions {
  readonly images: ImageSet;
  /** "first-last". */
  readonly range: string;
  readonly signal: AbortSignal;
}

/**
 * Installs MetalLB in layer 2 mode with one pool.
 *
 * Its admission webhooks are left out: they only check pools that people write by hand, and they cost the start half a
 * minute (the controller makes a certificate, restarts, and is then killed by its liveness probe on a busy machine). Of
 * the published manifest the CRDs, roles, controller and speaker stay as they are.
 */
export async function installMetalLB(api: ClusterApi, options: MetalLBOptions): Promise<void> {
  const { images, range, signal } = options;
  const published = parseAllDocuments(await readFile(images.metallbManifest, 'utf8')).map(
    (document) => document.toJS() as KubernetesObject,
  );
  await api.applyAll(adaptManifest(published, images.metallb), signal);
  await api.applyAll(
    [
      {
        apiVersion: 'metallb.io/v1beta1',
        kind: 'IPAddressPool',
        metadata: { name: 'meshproof', namespace },
        spec: { addresses: [range] },
      },
      {
        apiVersion: 'metallb.io/v1beta1',
        kind: 'L2Advertisement',
        metadata: { name: 'meshproof', namespace },
        spec: { ipAddressPools: ['meshproof'] },
      },
    ],
    signal,
  );
}

/** The published manifest without webhooks and with the images that the node image holds. */
export function adaptManifest(published: readonly KubernetesObject[], images: ImageSet['metallb']): KubernetesObject[] {
  return published
    .filter(
      ({ kind, metadata }) =>
        kind !== 'ValidatingWebhookConfiguration' &&
        metadata.name !== 'metallb-webhook-service' &&
        metadata.name !== 'metallb-webhook-cert',
    )
    .map((object) => {
      if (object.kind === 'CustomResourceDefinition') return withoutConversion(object);
      if (object.kind === 'Deployment')
        return withPod(object, (container) => ({
          ...container,
          image: images.controller,
          args: [...(container.args ?? []), '--webhook-mode=disabled'],
        }));
      if (object.kind === 'DaemonSet')
        return withPod(object, (container) =>
          container.name === 'speaker' ? { ...container, image: images.speaker } : container,
        );
      return object;
    });
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly volumeMounts?: readonly { readonly name: string }[];
}

interface Workload {
  readonly template: {
    readonly spec: {
      readonly containers: readonly Container[];
      readonly volumes?: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
    };
  };
}

function withoutConversion(crd: KubernetesObject): KubernetesObject {
  const { conversion: _conversion, ...spec } = crd['spec'] as Record<string, unknown>;
  return { ...crd, spec };
}

/** Changes the containers, and drops the webhook's certificate volume, which nobody fills. */
function withPod(object: KubernetesObject, change: (container: Container) => Container): KubernetesObject {
  const spec = object['spec'] as Workload;
  const { containers, volumes = [], ...pod } = spec.template.spec;
  const gone = new Set(
    volumes.filter(({ secret }) => secret?.secretName === 'metallb-webhook-cert').map(({ name }) => name),
  );
  const kept = containers.map(change).map((container) => ({
    ...container,
    imagePullPolicy: 'IfNotPresent',
    volumeMounts: (container.volumeMounts ?? []).filter(({ name }) => !gone.has(name)),
  }));
  const template = {
    ...spec.template,
    spec: { ...pod, containers: kept, volumes: volumes.filter(({ name }) => !gone.has(name)) },
  };
  return { ...object, spec: { ...(object['spec'] as Record<string, unknown>), template } };
}
