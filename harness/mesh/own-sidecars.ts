import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { systemNamespace } from './operator.ts';

/** The kinds that say to whom they are visible. */
const exported = new Set(['ServiceEntry', 'DestinationRule', 'VirtualService']);

/**
 * An Istio object as it is applied to a mesh that people live in: visible to its own namespace, and to the namespace of
 * the gateways, which lead to it by SNI (the receiving one) or have its endpoints (the egress gateway). Without that
 * every sidecar of the mesh gets a listener, a route and a name for it. Other objects are left as they are.
 */
export function forOwnSidecars(object: KubernetesObject): KubernetesObject {
  if (!object.apiVersion.startsWith('networking.istio.io/') || !exported.has(object.kind)) return object;
  return { ...object, spec: { exportTo: ['.', systemNamespace], ...(object['spec'] as object) } };
}
