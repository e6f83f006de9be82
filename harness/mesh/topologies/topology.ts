import type { ClusterAddress } from '../../cluster/cluster-address.ts';
import type { ClusterApi } from '../../cluster/cluster-api.ts';
import type { KubernetesObject } from '../../cluster/kubernetes-object.ts';
import type { GatewayQuestion, OutboundQuestion } from '../../probe/trace.ts';
import type { OperatorOptions } from '../operator.ts';
import type { ServicePort } from '../service-port.ts';

/** Programs by which a topology speaks to clusters, and how long it may take, in milliseconds. */
export interface Connecting {
  readonly programs: { readonly istioctl: string; readonly kubectl: string };
  readonly within: number;
  readonly signal: AbortSignal;
}

/** A call to a service of another cluster. */
export interface Call {
  readonly service: { readonly host: string; readonly address: string; readonly port: ServicePort };
  /** "address:port" of the peer's gateway, or of what leads to it, as the client's sidecar connects to it. */
  readonly endpoint: string;
  /** Endpoints that were declared beside it, "address:port". */
  readonly beside?: readonly string[] | undefined;
  readonly gateway: { readonly port: number };
  /** The egress gateway in between, and what it connects to. */
  readonly via?: { readonly port: number; readonly endpoint: string } | undefined;
  /** The pod that serves, "address:port", as the peer's gateway connects to it; any healthy one when left out. */
  readonly workload?: string | undefined;
}

/** One proxy of a path, and what its configuration has to lead through: in the order in which traffic meets them. */
export type PathStage =
  | { readonly at: 'client'; readonly question: OutboundQuestion }
  | { readonly at: 'egress gateway' | 'gateway'; readonly question: GatewayQuestion };

/** How the control planes of a mesh relate to each other, and how a call crosses from one cluster into another. */
export interface Topology {
  /** Deployments of all gateways in istio-system. */
  readonly gateways: readonly string[];
  /** The one that other clusters call: the name of its Deployment and Service, and the label `app` of its pods. */
  readonly ingressGateway: string;
  /** The one through which traffic leaves, where there is one. */
  readonly egressGateway?: string;
  /** Annotations of a client's pods. */
  readonly clientAnnotations: Readonly<Record<string, string>>;
  /** The IstioOperator of one cluster. */
  operator(options: OperatorOptions): object;
  /** Labels of the namespace istio-system. */
  systemLabels(cluster: string): Readonly<Record<string, string>>;
  /** What is applied beside that: the gateways' own Gateway objects, mutual TLS. */
  objects(): KubernetesObject[];
  /**
   * Connects the control planes, once all of them are there.
   *
   * @throws MeshproofError MP611 with the words of what refused
   */
  connect(clusters: readonly ClusterApi[], how: Connecting): Promise<void>;
  /**
   * Waits until they do.
   *
   * @throws MeshproofError MP604 with what each says of the others
   */
  ready(clusters: readonly ClusterAddress[], how: Connecting): Promise<void>;
  /** The proxies that a call meets, first to last. */
  path(call: Call): PathStage[];
}
