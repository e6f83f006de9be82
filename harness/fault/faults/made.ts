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
