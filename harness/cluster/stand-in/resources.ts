import type { KubernetesObject } from '../kubernetes-object.ts';

/** One kind that the stand-in serves. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

const core = (kind: string, plural: string, namespaced = true): Resource => ({
  apiVersion: 'v1',
  kind,
  plural,
  namespaced,
});
const istio = (kind: string, plural: string): Resource => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  plural,
  namespaced: true,
});

export const resources: readonly Resource[] = [
  core('Namespace', 'namespaces', false),
  core('Node', 'nodes', false),
  core('Pod', 'pods'),
  core('Service', 'services'),
  core('ServiceAccount', 'serviceaccounts'),
  core('ConfigMap', 'configmaps'),
  core('Secret', 'secrets'),
  core('Event', 'events'),
  { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespaced: true },
  { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', plural: 'endpointslices', namespaced: true },
  { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases', namespaced: true },
  istio('ServiceEntry', 'serviceentries'),
  istio('DestinationRule', 'destinationrules'),
  istio('VirtualService', 'virtualservices'),
  istio('Gateway', 'gateways'),
  { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', plural: 'peerauthentications', namespaced: true },
];

/** What a path names: a kind, perhaps a namespace, perhaps an object and a subresource of it. */
export interface Place {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Reads a path of the API, undefined for one that the stand-in does not serve. */
export function placeOf(path: string): Place | undefined {
  const [, apiVersion = '', rest = ''] = /^\/(?:api|apis)\/(v1|[^/]+\/v[^/]+)\/(.+)$/.exec(path) ?? [];
  const [, namespace, inside] = /^namespaces\/([^/]+)\/(.+)$/.exec(rest) ?? [];
  const [plural, name, subresource] = (inside ?? rest).split('/');
  const resource = resources.find((one) => one.apiVersion === apiVersion && one.plural === plural);
  return resource === undefined ? undefined : { resource, namespace, name, subresource };
}

/** The key of an object: no two objects share one. */
export const keyOf = (
  { apiVersion, kind }: Pick<KubernetesObject, 'apiVersion' | 'kind'>,
  namespace: string | undefined,
  name: string,
): string => [apiVersion, kind, namespace ?? '', name].join(' ');
