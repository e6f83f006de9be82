import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { systemNamespace } from './operator.ts';
import type { ServicePort } from './service-port.ts';
import { eastWestGateway, globalMutualTls, remoteService, type RemoteService } from './services.ts';

/**
 * The mesh profile `modern`: what the 1.4–1.7 charts installed by themselves for replicated control planes, and what no
 * chart installs since 1.8 (research: istio-survey.md, section 1).
 */
export function modernProfile(): KubernetesObject[] {
  return [
    eastWestGateway(
      'istio-multicluster-ingressgateway',
      { istio: 'ingressgateway' },
      ['*.local', '*.global'],
      systemNamespace,
    ),
    eastWestGateway('istio-multicluster-egressgateway', { istio: 'egressgateway' }, ['*.global'], systemNamespace),
    globalMutualTls(systemNamespace),
  ];
}

/**
 * What the page relies on and today's Istio no longer has, with what the profile puts in its place (research: istio.md
 * and istio-survey.md). Scenarios name the ones that concern them, and every report shows them in their rows.
 */
export const replacements = {
  multiclusterValues: {
    was: 'values-istio-multicluster-gateways.yaml (gone since 1.8)',
    by:
      'The file is gone since Istio 1.8. An IstioOperator now sets the same: DNS capture, both gateways with port ' +
      '15443, and the egress gateway’s network view. The profile adds AUTO_PASSTHROUGH on the gateways, and mutual ' +
      'TLS for *.global.',
  },
  istiocoredns: {
    was: 'istiocoredns (gone since 1.9)',
    by:
      'Sidecars answer .global themselves by DNS capture. For pods without a sidecar, a CoreDNS with the same names ' +
      'replaces it, under the same service name.',
  },
  sniRewrite: {
    was: 'the EnvoyFilter that rewrote .global to .svc.cluster.local in the SNI (gone since 1.8)',
    by: 'The receiving cluster declares the .global host itself, with a ServiceEntry that selects the workload’s pods.',
  },
  visibleToAll: {
    was: 'objects without exportTo, which every sidecar of the mesh gets',
    by:
      'In a mesh that is in use, they are visible only to their own namespace and to the gateways (exportTo). The ' +
      'rest of each manifest is the same as in the walkthrough.',
  },
  networkView: {
    was: 'a sidecar without a network view saw only endpoints without a network (until 1.7)',
    by:
      'Clients get their own network view, and endpoints get the label security.istio.io/tlsMode: istio. Without ' +
      'it, half of the traffic goes direct while curl reports 200.',
  },
} as const;

/** Network of endpoints that only the egress gateway may use, and of those that only sidecars may use. */
const [egressOnly, sidecarsOnly] = ['external', 'mesh'];

/**
 * Annotations of a client's pods: its sidecar gets a network view of its own, which keeps endpoints that are meant for
 * the egress gateway (`network: external`) out of it. Until 1.7 a sidecar without a view saw the unnamed network only;
 * since 1.8 it sees all, and half of the traffic would go direct while curl says 200.
 */
export const clientAnnotations = {
  'proxy.istio.io/config': JSON.stringify({ proxyMetadata: { ISTIO_META_REQUESTED_NETWORK_VIEW: sidecarsOnly } }),
};

/**
 * An endpoint outside of the registry counts as a mesh member, which the SNI clusters of gateways demand since 1.20, by
 * this label.
 */
const meshMember = { 'security.istio.io/tlsMode': 'istio' };

export interface ViaEgress extends Omit<RemoteService, 'endpoints' | 'resolution'> {
  /** The egress gateway as sidecars reach it: its cluster IP, or its host name. */
  readonly egress: string;
  /** The peer's gateway as the egress gateway reaches it. */
  readonly gateway: string;
  /** STATIC for addresses, DNS for names (walkthrough: the two tabs of "Send remote traffic via an egress gateway"). */
  readonly resolution: 'STATIC' | 'DNS';
}

/**
 * The walkthrough's ServiceEntry that leads a remote service through the egress gateway, with the network views that
 * today's Istio needs.
 */
export function remoteServiceViaEgress({ egress, gateway, ...service }: ViaEgress): KubernetesObject {
  return remoteService({
    ...service,
    endpoints: [
      { address: gateway, network: egressOnly, labels: meshMember },
      { address: egress, network: sidecarsOnly, labels: meshMember },
    ],
  });
}

/** A `.global` service as both clusters know it. */
export interface GlobalService {
  readonly host: string;
  readonly address: string;
  readonly port: ServicePort;
}

/** The sample service of the walkthrough: httpbin in namespace bar, as the other cluster calls it. */
export const httpbinGlobal = {
  host: 'httpbin.bar.global',
  address: '240.0.0.2',
  port: { name: 'http1', number: 8000, protocol: 'HTTP' },
} as const satisfies GlobalService;
