import type { KubernetesObject } from '../../cluster/kubernetes-object.ts';
import type { Target } from '../../cluster/cluster-editor.ts';

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

export const system = (kind: string, name: string): Target => ({ kind, namespace: 'istio-system', name });
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
  odd('networking.istio.io/v1alpha3', 'EnvoyFilter', namespace, {
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

export const httpManager = 'envoy.filters.network.http_connection_manager';

/** An EnvoyFilter by which the sidecars of a namespace answer every call of their clients by themselves: with 200. */
export const answering = (namespace: string): KubernetesObject =>
  odd('networking.istio.io/v1alpha3', 'EnvoyFilter', namespace, {
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
