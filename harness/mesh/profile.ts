import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { systemNamespace } from './operator.ts';
import { eastWestGateway, exposedService, globalMutualTls, remoteService, type RemoteService, type ServicePort } from './services.ts';

/**
 * The mesh profile `modern`: what the 1.4–1.7 charts installed by themselves for replicated control planes, and what no chart installs
 * since 1.8 (research: istio-survey.md, section 1).
 */
export function modernProfile(): KubernetesObject[] {
  return [
    eastWestGateway('istio-multicluster-ingressgateway', { istio: 'ingressgateway' }, ['*.local', '*.global'], systemNamespace),
    eastWestGateway('istio-multicluster-egressgateway', { istio: 'egressgateway' }, ['*.global'], systemNamespace),
    globalMutualTls(systemNamespace),
  ];
}

/** Network of endpoints that only the egress gateway may use, and of those that only sidecars may use. */
const [egressOnly, sidecarsOnly] = ['external', 'mesh'];

/**
 * Annotations of a client's pods: its sidecar gets a network view of its own, which keeps endpoints that are meant for the egress gateway
 * (`network: external`) out of it. Until 1.7 a sidecar without a view saw the unnamed network only; since 1.8 it sees all, and half of the
 * traffic would go direct while curl says 200.
 */
export const clientAnnotations = { 'proxy.istio.io/config': JSON.stringify({ proxyMetadata: { ISTIO_META_REQUESTED_NETWORK_VIEW: sidecarsOnly } }) };

/** An endpoint outside of the registry counts as a mesh member, which the SNI clusters of gateways demand since 1.20, by this label. */
const meshMember = { 'security.istio.io/tlsMode': 'istio' };

export interface ViaEgress extends Omit<RemoteService, 'endpoints' | 'resolution'> {
  /** The egress gateway as sidecars reach it: its cluster IP, or its host name. */
  readonly egress: string;
  /** The peer's gateway as the egress gateway reaches it. */
  readonly gateway: string;
  /** STATIC for addresses, DNS for names (walkthrough: the two tabs of "Send remote traffic via an egress gateway"). */
  readonly resolution: 'STATIC' | 'DNS';
}

/** The walkthrough's ServiceEntry that leads a remote service through the egress gateway, with the network views that today's Istio needs. */
export function remoteServiceViaEgress({ egress, gateway, ...service }: ViaEgress): KubernetesObject {
  return remoteService({
    ...service,
    endpoints: [
      { address: gateway, network: egressOnly, labels: meshMember },
      { address: egress, network: sidecarsOnly, labels: meshMember },
    ],
  });
}

/** The sample service of the walkthrough: httpbin in namespace bar, as the other cluster calls it. */
export const httpbinGlobal = {
  host: 'httpbin.bar.global',
  address: '240.0.0.2',
  port: { name: 'http1', number: 8000, protocol: 'HTTP' },
} as const satisfies { host: string; address: string; port: ServicePort };

/**
 * What the receiving cluster applies for the sample service, so that its gateway knows the `.global` name.
 *
 * @param targetPort the port of httpbin's container
 */
export function exposeHttpbin(targetPort: number): KubernetesObject {
  const { host, port } = httpbinGlobal;
  return exposedService({ host, namespace: 'bar', name: 'httpbin-bar-global', port: { ...port, targetPort }, selector: { app: 'httpbin' } });
}
