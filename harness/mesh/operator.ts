import type { EnvoyBuild } from '../toolchain/images/image-set.ts';

export const systemNamespace = 'istio-system';
export const trustDomain = 'cluster.local';
/** The port of the SNI-aware gateway between clusters (walkthrough: "Do not change this port value"). */
export const eastWestPort = 15443;
/** The port at which a gateway says whether it is ready. */
export const healthPort = 15021;

export interface OperatorOptions {
  readonly cluster: string;
  readonly hub: string;
  readonly tag: string;
  /** Whose Envoy the proxies run: a property of the proxy's image. */
  readonly envoy: EnvoyBuild;
}

/** What a topology asks of its gateways beyond what every mesh has. */
export interface OperatorShape {
  /** The network that pods of the cluster are in; injection tells each of them. */
  readonly network?: string;
  readonly egressGateway: boolean;
  readonly ingress?: {
    readonly label: Readonly<Record<string, string>>;
    readonly env: readonly { readonly name: string; readonly value: string }[];
  };
}

/**
 * What a proxy asks of its node. The kernel shares a busy processor by these figures: an API server has 250m. A proxy
 * that asks for a twenty-fifth of that stands still for seconds while an istiod starts beside it, and its peers take it
 * for dead. Gateways ask for what Istio's own charts do. Sidecars are many, and must all fit on a node of two
 * processors.
 */
const asks = {
  gateway: { requests: { cpu: '100m', memory: '40Mi' } },
  sidecar: { requests: { cpu: '25m', memory: '40Mi' } },
  istiod: { requests: { cpu: '10m', memory: '100Mi' } },
};

/**
 * The IstioOperator of one replicated control plane: what values-istio-multicluster-gateways.yaml asked for in the
 * walkthrough, said in today's words. DNS capture stands in for istiocoredns; the egress gateway keeps its network view
 * `external`.
 */
export function istioOperator(
  { cluster, hub, tag, envoy }: OperatorOptions,
  { network, egressGateway, ingress }: OperatorShape = { egressGateway: true },
): object {
  const port = (name: string, number: number, targetPort = number): object => ({ name, port: number, targetPort });
  const upstreamEnvoy = [
    { name: 'PILOT_ENABLE_ALPN_FILTER', value: 'false' },
    { name: 'PILOT_ENABLE_METADATA_EXCHANGE', value: 'false' },
    { name: 'PILOT_DISABLE_MX_ALPN', value: 'true' },
  ];
  return {
    apiVersion: 'install.istio.io/v1alpha1',
    kind: 'IstioOperator',
    spec: {
      profile: 'minimal',
      hub,
      tag,
      meshConfig: {
        trustDomain,
        accessLogFile: '/dev/stdout',
        accessLogEncoding: 'JSON',
        defaultConfig: {
          proxyMetadata: { ISTIO_META_DNS_CAPTURE: 'true' },
          // Istio leaves most of Envoy's counters out; proofs of path read these.
          proxyStatsMatcher: {
            inclusionRegexps: ['cluster\\.outbound.*upstream_(cx|rq)_.*', 'listener\\..*15443\\..*'],
          },
        },
      },
      components: {
        ingressGateways: [
          {
            name: 'istio-ingressgateway',
            enabled: true,
            ...(ingress === undefined ? {} : { label: ingress.label }),
            k8s: {
              resources: asks.gateway,
              ...(ingress === undefined ? {} : { env: ingress.env }),
              hpaSpec: null,
              service: { ports: [port('status-port', healthPort), port('http2', 80, 8080), port('tls', eastWestPort)] },
            },
          },
        ],
        egressGateways: [
          {
            name: 'istio-egressgateway',
            enabled: egressGateway,
            k8s: {
              resources: asks.gateway,
              env: [{ name: 'ISTIO_META_REQUESTED_NETWORK_VIEW', value: 'external' }],
              service: { ports: [port('http2', 80, 8080), port('https', 443, 8443), port('tls', eastWestPort)] },
            },
          },
        ],
        pilot: {
          k8s: {
            resources: asks.istiod,
            env: envoy === 'upstream' ? upstreamEnvoy : [],
          },
        },
      },
      values: {
        ...(envoy === 'upstream' ? { telemetry: { enabled: false } } : {}),
        pilot: { autoscaleEnabled: false },
        gateways: {
          'istio-ingressgateway': { autoscaleEnabled: false },
          'istio-egressgateway': { autoscaleEnabled: false },
        },
        global: {
          meshID: 'meshproof',
          multiCluster: { clusterName: cluster },
          ...(network === undefined ? {} : { network }),
          imagePullPolicy: 'IfNotPresent',
          proxy: { resources: asks.sidecar },
        },
      },
    },
  };
}
