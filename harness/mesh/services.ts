import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { eastWestPort } from './operator.ts';
import type { ServicePort } from './service-port.ts';
import { checkPortName, checkServiceAddress } from './service-rules.ts';

const networking = 'networking.istio.io/v1';

/** One endpoint of a remote service: the peer's gateway as this cluster reaches it. */
export interface RemoteEndpoint {
  readonly address: string;
  /** 15443, or the node port of it where there is no load balancer. */
  readonly port?: number;
  readonly network?: string;
  /** Where it is, as "region/zone/subzone": failover goes by it. */
  readonly locality?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface RemoteService {
  /** `<name>.<namespace>.global`. */
  readonly host: string;
  /** Namespace of the clients, and the object's name. */
  readonly namespace: string;
  readonly name: string;
  /** The address that the host resolves to; unique within the cluster, from 240.0.0.0/4. */
  readonly address: string;
  readonly port: ServicePort | readonly ServicePort[];
  readonly resolution?: 'DNS' | 'STATIC';
  readonly endpoints: readonly RemoteEndpoint[];
}

/**
 * The walkthrough's ServiceEntry for a service of another cluster ("Configure the example services", step 4).
 *
 * @throws MeshproofError MP606 for an address that no sidecar can capture, MP608 for a port whose name and protocol
 *   disagree.
 */
export function remoteService(service: RemoteService): KubernetesObject {
  const { host, namespace, name, address, port, resolution = 'DNS', endpoints } = service;
  checkServiceAddress(address, host);
  const ports = [port].flat();
  for (const one of ports) checkPortName(one);
  return {
    apiVersion: networking,
    kind: 'ServiceEntry',
    metadata: { name, namespace },
    spec: {
      hosts: [host],
      location: 'MESH_INTERNAL',
      ports,
      resolution,
      addresses: [address],
      endpoints: endpoints.map(({ port: endpointPort = eastWestPort, ...endpoint }) => ({
        ...endpoint,
        ports: Object.fromEntries(ports.map(({ name: portName }) => [portName, endpointPort])),
      })),
    },
  };
}

export interface ExposedService {
  readonly host: string;
  readonly namespace: string;
  readonly name: string;
  readonly port: ServicePort | readonly ServicePort[];
  /** Labels of the pods that serve it. */
  readonly selector: Readonly<Record<string, string>>;
  /** The address that the host resolves to inside of this cluster as well; none is needed for peers. */
  readonly address?: string;
}

/**
 * What the receiving cluster needs on today's Istio: its gateway has one filter chain for each SNI it knows, and knows
 * `outbound_.8000_._.httpbin.bar.global` only from a ServiceEntry of its own. (Until 1.7 an EnvoyFilter rewrote
 * `.global` to `.svc.cluster.local` there instead.)
 */
export function exposedService({ host, namespace, name, port, selector, address }: ExposedService): KubernetesObject {
  return {
    apiVersion: networking,
    kind: 'ServiceEntry',
    metadata: { name, namespace },
    spec: {
      hosts: [host],
      location: 'MESH_INTERNAL',
      ports: [port].flat(),
      resolution: 'STATIC',
      ...(address === undefined ? {} : { addresses: [address] }),
      workloadSelector: { labels: selector },
    },
  };
}

/** The gateway between clusters: TLS on 15443 is passed through by SNI, for hosts of the mesh only. */
export function eastWestGateway(
  name: string,
  selector: Readonly<Record<string, string>>,
  hosts: readonly string[],
  namespace: string,
): KubernetesObject {
  return {
    apiVersion: networking,
    kind: 'Gateway',
    metadata: { name, namespace },
    spec: {
      selector,
      servers: [
        { port: { number: eastWestPort, name: 'tls', protocol: 'TLS' }, tls: { mode: 'AUTO_PASSTHROUGH' }, hosts },
      ],
    },
  };
}

/**
 * Clients speak mutual TLS to every `.global` host: its endpoints are gateways, which no registry marks as mesh
 * members.
 */
export function globalMutualTls(namespace: string): KubernetesObject {
  return {
    apiVersion: networking,
    kind: 'DestinationRule',
    metadata: { name: 'istio-multicluster-global', namespace },
    spec: { host: '*.global', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } },
  };
}

export interface Subsets {
  readonly host: string;
  readonly namespace: string;
  readonly name: string;
  /** Subset → labels of its endpoints. */
  readonly subsets: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * Named subsets of a host by the labels of its endpoints. A rule for one host replaces the mesh's `*.global` rule, so
 * it repeats mutual TLS.
 */
export function subsets({ host, namespace, name, subsets: named }: Subsets): KubernetesObject {
  return {
    apiVersion: networking,
    kind: 'DestinationRule',
    metadata: { name, namespace },
    spec: {
      host,
      trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } },
      subsets: Object.entries(named).map(([subset, labels]) => ({ name: subset, labels })),
    },
  };
}

export interface Failover {
  readonly host: string;
  readonly namespace: string;
  readonly name: string;
  /** Region of the clients, and the region that serves them when their own does not. */
  readonly from: string;
  readonly to: string;
}

/**
 * Locality failover for a host in both clusters: endpoints of the client's own region first, those of the other when
 * these fail. Outlier detection tells Envoy that they do; a call that meets a failing endpoint is tried again in the
 * other region.
 */
export function localityFailover({ host, namespace, name, from, to }: Failover): KubernetesObject[] {
  const metadata = { name, namespace };
  const trafficPolicy = {
    tls: { mode: 'ISTIO_MUTUAL' },
    // Longer than a call waits for one try: a peer that is slow to shake hands, because control planes start beside it,
    // is not dead, and the next try finds the connection made.
    connectionPool: { tcp: { connectTimeout: '5s' } },
    loadBalancer: { localityLbSetting: { enabled: true, failover: [{ from, to }] } },
    // Five in a row: a dead endpoint has them before its first call is answered by the other. Half of the two
    // endpoints may be away, so one of them: when the other is slow as well, calls wait for it, instead of finding no
    // endpoint at all.
    outlierDetection: { consecutive5xxErrors: 5, interval: '1s', baseEjectionTime: '2s', maxEjectionPercent: 50 },
  };
  const retries = {
    attempts: 4,
    perTryTimeout: '2s',
    retryOn: 'connect-failure,refused-stream,reset,unavailable,503',
    retryRemoteLocalities: true,
  };
  return [
    { apiVersion: networking, kind: 'DestinationRule', metadata, spec: { host, trafficPolicy } },
    {
      apiVersion: networking,
      kind: 'VirtualService',
      metadata,
      spec: { hosts: [host], http: [{ route: [{ destination: { host } }], retries }] },
    },
  ];
}

export interface VersionRoutes {
  readonly host: string;
  readonly namespace: string;
  readonly name: string;
  /** A request that carries this header goes to the subset it names. */
  readonly header: string;
  /** Subset → share of all other requests, in percent. */
  readonly weights: Readonly<Record<string, number>>;
}

/** Routes to subsets: by header where there is one, else by weight. */
export function versionRoutes({ host, namespace, name, header, weights }: VersionRoutes): KubernetesObject {
  const byHeader = Object.keys(weights).map((subset) => ({
    match: [{ headers: { [header]: { exact: subset } } }],
    route: [{ destination: { host, subset } }],
  }));
  const byWeight = {
    route: Object.entries(weights).map(([subset, weight]) => ({ destination: { host, subset }, weight })),
  };
  return {
    apiVersion: networking,
    kind: 'VirtualService',
    metadata: { name, namespace },
    spec: { hosts: [host], http: [...byHeader, byWeight] },
  };
}

export interface MixedRoutes {
  /** The name that callers use: of a Service of this cluster. */
  readonly local: string;
  readonly namespace: string;
  readonly name: string;
  /** The same service in other clusters. */
  readonly host: string;
  /** Who sees a remote version: requests with this header. */
  readonly header: Readonly<Record<string, string>>;
  /** Its subset. */
  readonly subset: string;
  /** Subset of the remote service that shares all other calls with the local one, and its share in percent. */
  readonly others: { readonly subset: string; readonly weight: number };
}

/**
 * Routes to versions here and there under the local name, as in the blog's "Multicluster version routing".
 */
export function mixedRoutes(routes: MixedRoutes): KubernetesObject {
  const { local, namespace, name, host, header, subset, others } = routes;
  const headers = Object.fromEntries(Object.entries(header).map(([key, exact]) => [key, { exact }]));
  const split = [
    { destination: { host, subset: others.subset }, weight: others.weight },
    { destination: { host: local }, weight: 100 - others.weight },
  ];
  return {
    apiVersion: networking,
    kind: 'VirtualService',
    metadata: { name, namespace },
    spec: {
      hosts: [local],
      http: [{ match: [{ headers }], route: [{ destination: { host, subset } }] }, { route: split }],
    },
  };
}

/** The name of a service's outbound cluster in a sidecar: `outbound|8000||httpbin.bar.global`. */
export const outboundCluster = (host: string, port: number, subset = ''): string =>
  `outbound|${port}|${subset}|${host}`;

/** The SNI under which the same service is asked for at the peer's gateway: `outbound_.8000_._.httpbin.bar.global`. */
export const outboundSni = (host: string, port: number, subset = ''): string => `outbound_.${port}_.${subset}_.${host}`;
