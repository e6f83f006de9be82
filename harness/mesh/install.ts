import { parseAllDocuments, stringify } from 'yaml';
import { isAbsent, type ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { runProgram } from '../process/run-program.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import type { CaCerts } from './certificate-authority.ts';
import { istioOperator, systemNamespace, type OperatorOptions } from './operator.ts';
import { modernProfile } from './profile.ts';

/**
 * Renders the control plane's objects with istioctl; its charts are embedded, so this works offline and before any cluster is there.
 *
 * @throws MeshproofError MP605 with istioctl's words.
 */
export async function renderMesh(istioctl: string, options: OperatorOptions, signal?: AbortSignal): Promise<KubernetesObject[]> {
  const { stdout } = await runProgram({
    program: istioctl,
    args: ['manifest', 'generate', '--filename', '-'],
    input: stringify(istioOperator(options)),
    purpose: 'render the Istio manifests',
    code: 'MP605',
    where: `cluster ${options.cluster}`,
    timeout: 60_000,
    signal,
  });
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

/**
 * Installs one replicated control plane: namespace and the secret `cacerts` first, so that istiod signs with the shared root from its
 * first breath; then everything else at once. The gateways of the mesh itself (15443, mutual TLS for `.global`) follow from the profile.
 *
 * @throws MeshproofError MP505 with the object that was refused.
 */
export async function applyMesh(api: ClusterApi, rendered: readonly KubernetesObject[], authority: CaCerts, signal?: AbortSignal): Promise<void> {
  await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } }, signal);
  await api.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'cacerts', namespace: systemNamespace }, stringData: { ...authority } }, signal);
  await api.applyAll(rendered, signal);
  await api.applyAll(modernProfile(), signal);
}

/** Waits for istiod and both gateways to be available. */
export async function waitForMesh(api: ClusterApi, options: { readonly within: number; readonly signal?: AbortSignal | undefined }): Promise<void> {
  await Promise.all(['istiod', 'istio-ingressgateway', 'istio-egressgateway'].map((name) => api.waitForDeployment(systemNamespace, name, { ...options, code: 'MP604' })));
}

/** An address of a gateway as peers reach it: what its Service says, or what the platform gave. */
export interface GatewayAddress {
  readonly address: string;
  readonly kind: 'ip' | 'hostname';
}

/**
 * Waits for the ingress gateway's LoadBalancer address (walkthrough: `CLUSTER2_GW_ADDR`).
 *
 * @throws MeshproofError MP604 with the service's state.
 */
export async function gatewayAddress(api: ClusterApi, options: { readonly within: number; readonly signal?: AbortSignal | undefined }): Promise<GatewayAddress> {
  return await waitFor<GatewayAddress>({
    name: `istio-ingressgateway of ${api.address.name} has a LoadBalancer address`,
    where: `cluster ${api.address.name}`,
    code: 'MP604',
    ...options,
    look: async () => {
      const { status, spec } = await api.core.readNamespacedService({ namespace: systemNamespace, name: 'istio-ingressgateway' });
      const given = status?.loadBalancer?.ingress?.[0];
      if (given?.ip !== undefined) return holds({ address: given.ip, kind: 'ip' });
      if (given?.hostname !== undefined) return holds({ address: given.hostname, kind: 'hostname' });
      return notYet(`type ${spec?.type ?? 'unknown'}, address pending`);
    },
    tolerates: isAbsent,
  });
}
