import type { KubernetesObject } from '../../cluster/kubernetes-object.ts';
import type { Target } from '../../cluster/cluster-editor.ts';
import type { Injection } from '../fault.ts';

export const host = 'httpbin.bar.global';
export const networking = 'networking.istio.io/v1';
export const security = 'security.istio.io/v1';

/** A mesh object that is not the scenario's, under one name everywhere, so that it is seen at once whose it is. */
export const odd = (apiVersion: string, kind: string, namespace: string, spec: object): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name: 'fault', namespace },
  spec,
});

/** An EnvoyFilter under that name. */
export const envoyFilter = (namespace: string, spec: object): KubernetesObject =>
  odd('networking.istio.io/v1alpha3', 'EnvoyFilter', namespace, spec);

/**
 * An older ServiceEntry for the host that direct-sidecar calls, in the client's namespace.
 *
 * @param spec what differs from a sound one, and its endpoints
 */
export const olderEntry = (spec: object): KubernetesObject =>
  odd(networking, 'ServiceEntry', 'foo', {
    hosts: [host],
    location: 'MESH_INTERNAL',
    ports: [{ name: 'http1', number: 8000, protocol: 'HTTP' }],
    resolution: 'STATIC',
    addresses: ['240.0.0.2'],
    ...spec,
  });

/** "scenario: key" of some claims of one scenario. */
export const claimsOf = (scenario: string, ...keys: readonly string[]): string[] =>
  keys.map((key) => `${scenario}: ${key}`);

export const system = (kind: string, name: string): Target => ({ kind, namespace: 'istio-system', name });

/** The mesh's configuration switches DNS capture off; new pods show it. */
export const dnsCaptureOff: Injection = {
  edit: system('configmap', 'istio'),
  field: ['data', 'mesh'],
  from: 'ISTIO_META_DNS_CAPTURE: "true"',
  to: 'ISTIO_META_DNS_CAPTURE: "false"',
};

/** A gateway's proxy gets a variable, or another value for it; `$patch: 'delete'` takes it away. */
export const gatewayEnv = (deployment: string, variable: object): Injection => ({
  strategic: system('deployment', deployment),
  with: { spec: { template: { spec: { containers: [{ name: 'istio-proxy', env: [variable] }] } } } },
});

export const destination = { destination: { host } };
export const gatewaySelector = { istio: 'ingressgateway' };
export const onNode = (rule: string): { readonly onNode: string; readonly undo: string } => ({
  onNode: `iptables -I ${rule}`,
  // A rule is taken out by what it is, and put in at a place: iptables takes no place here.
  undo: `iptables -D ${rule.replace(/^(\S+) \d+ /, '$1 ')}`,
});

/** An EnvoyFilter that ends every connection to a port of some proxies before it is passed on. */
export const refusing = (
  namespace: string,
  context: 'GATEWAY' | 'SIDECAR_OUTBOUND',
  portNumber: number,
  labels?: Readonly<Record<string, string>>,
): KubernetesObject =>
  envoyFilter(namespace, {
    ...(labels === undefined ? {} : { workloadSelector: { labels } }),
    configPatches: [
      {
        applyTo: 'NETWORK_FILTER',
        match: { context, listener: { portNumber } },
        patch: {
          operation: 'INSERT_FIRST',
          value: {
            name: 'envoy.filters.network.rbac',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC',
              stat_prefix: 'refused_',
              rules: {
                action: 'DENY',
                policies: { all: { permissions: [{ any: true }], principals: [{ any: true }] } },
              },
            },
          },
        },
      },
    ],
  });

/** An EnvoyFilter that takes the listener on 15443 of the server's gateway away. */
export const withoutListener: KubernetesObject = envoyFilter('istio-system', {
  workloadSelector: { labels: gatewaySelector },
  configPatches: [
    {
      applyTo: 'LISTENER',
      match: { context: 'GATEWAY', listener: { portNumber: 15443 } },
      patch: { operation: 'REMOVE' },
    },
  ],
});

export const httpManager = 'envoy.filters.network.http_connection_manager';

/** An EnvoyFilter by which the sidecars of a namespace answer every call of their clients by themselves: with 200. */
export const answering = (namespace: string): KubernetesObject =>
  envoyFilter(namespace, {
    configPatches: [
      {
        applyTo: 'HTTP_FILTER',
        match: { context: 'SIDECAR_OUTBOUND', listener: { filterChain: { filter: { name: httpManager } } } },
        patch: {
          operation: 'INSERT_FIRST',
          value: {
            name: 'fault',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault',
              abort: { http_status: 200, percentage: { numerator: 100 } },
            },
          },
        },
      },
    ],
  });
