/** A kind as its objects name it, and as sentences do. */
interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

/** What samples are made of: the kinds that any scenario may apply on clusters that the user owns. */
export const sampleKinds: readonly Kind[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'ServiceAccounts' },
  { apiVersion: 'v1', kind: 'Service', plural: 'Services' },
  { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', plural: 'EndpointSlices' },
  { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'Deployments' },
  { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', plural: 'ServiceEntries' },
  { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', plural: 'DestinationRules' },
  { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', plural: 'VirtualServices' },
];

/** What a scenario may apply beside those, if its `needs.policies` say so: they hold for its own namespaces only. */
export const policyKinds = {
  PeerAuthentication: {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    plural: 'PeerAuthentications',
  },
  AuthorizationPolicy: {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    plural: 'AuthorizationPolicies',
  },
  RequestAuthentication: {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    plural: 'RequestAuthentications',
  },
  Telemetry: { apiVersion: 'telemetry.istio.io/v1', kind: 'Telemetry', plural: 'Telemetries' },
} as const satisfies Readonly<Record<string, Kind>>;
export type PolicyKind = keyof typeof policyKinds;
