import {
  clustersOf,
  endpointName,
  filterChainsOf,
  tcpClusterOf,
  type CertificateView,
  type ConfigDump,
} from './config-dump.ts';
import type { FilterChain, Listener, Route } from './schema.ts';

/** One filter chain of a listener: what it matches, and where it leads. */
export interface ListenerView {
  readonly listener: string;
  /** "address:port"; "internal" for listeners that no socket has. */
  readonly at: string;
  /** Server names and application protocols that select the chain; empty means any. */
  readonly serverNames: readonly string[];
  readonly protocols: readonly string[];
  /** "route 8000", "cluster outbound|…", or what else answers. */
  readonly to: string;
}

export interface RouteView {
  readonly config: string;
  readonly domains: readonly string[];
  readonly match: string;
  readonly to: string;
}

export interface ClusterView {
  readonly cluster: string;
  readonly type: string;
  /** SNI of the TLS that it starts; undefined means none is named, or no TLS at all. */
  readonly sni: string | undefined;
  /** "mutual TLS", "TLS" or "plain". */
  readonly transport: 'mutual TLS' | 'TLS' | 'plain';
  readonly endpoints: number;
}

export interface EndpointView {
  readonly cluster: string;
  readonly endpoint: string;
  readonly health: string;
  readonly priority: number;
}

export interface SecretView {
  readonly secret: string;
  readonly chain: readonly CertificateView[];
}

/** A proxy's configuration as flat rows: what `meshproof probe` prints, and what a program can filter. */
export interface DumpView {
  readonly node: string;
  readonly listeners: readonly ListenerView[];
  readonly routes: readonly RouteView[];
  readonly clusters: readonly ClusterView[];
  readonly endpoints: readonly EndpointView[];
  readonly secrets: readonly SecretView[];
  /** What is not as it should be: resources that warm, and those that were rejected. */
  readonly warming: readonly string[];
  readonly rejections: readonly string[];
}

/** Lays a config dump out as rows, sorted by name. */
export function viewOf(dump: ConfigDump): DumpView {
  return {
    node: dump.node,
    listeners: sorted(
      dump.listeners.flatMap(chainsOf),
      ({ listener, serverNames }) => `${listener} ${serverNames.join()}`,
    ),
    routes: dump.routeConfigs.flatMap(({ name = 'inline', virtual_hosts: hosts = [] }) =>
      hosts.flatMap(({ domains, routes = [] }) =>
        routes.map((route): RouteView => ({ config: name, domains, match: matchOf(route), to: targetOf(route) })),
      ),
    ),
    clusters: sorted(
      dump.clusters.map((cluster): ClusterView => {
        const tls = dump.upstreamTls(cluster);
        return {
          cluster: cluster.name,
          type: cluster.type ?? 'STATIC',
          sni: tls?.sni,
          transport: tls === undefined ? 'plain' : tls.presents.length > 0 ? 'mutual TLS' : 'TLS',
          endpoints: dump.endpointsOf(cluster).length,
        };
      }),
      ({ cluster }) => cluster,
    ),
    endpoints: sorted(
      dump.clusters.flatMap((cluster) =>
        dump.endpointsOf(cluster).map((endpoint): EndpointView => ({
          cluster: cluster.name,
          endpoint: endpointName(endpoint),
          health: endpoint.health,
          priority: endpoint.priority,
        })),
      ),
      ({ cluster, endpoint }) => `${cluster} ${endpoint}`,
    ),
    secrets: dump.secretNames.map((secret) => ({ secret, chain: dump.certificatesOf(secret) })),
    warming: dump.warming,
    rejections: dump.rejections.map(({ resource, details }) => `${resource}: ${details}`),
  };
}

function chainsOf(listener: Listener): ListenerView[] {
  const socket = listener.address?.socket_address;
  const at = socket === undefined ? 'internal' : `${socket.address}:${socket.port_value ?? 0}`;
  return filterChainsOf(listener).map((chain) => ({
    listener: listener.name,
    at,
    serverNames: chain.filter_chain_match?.server_names ?? [],
    protocols: chain.filter_chain_match?.application_protocols ?? [],
    to: chainTarget(chain),
  }));
}

function chainTarget(chain: FilterChain): string {
  const tcp = tcpClusterOf(chain);
  if (tcp !== undefined) return `cluster ${tcp}`;
  const http = chain.filters?.find(
    ({ typed_config: config }) => config?.rds !== undefined || config?.route_config !== undefined,
  )?.typed_config;
  if (http !== undefined) return `route ${http.rds?.route_config_name ?? http.route_config?.name ?? 'inline'}`;
  return (chain.filters ?? []).map(({ name }) => name.split('.').at(-1) ?? name).join(', ');
}

function matchOf({ match }: Route): string {
  const path = match.path ?? (match.prefix === undefined ? 'any path' : `${match.prefix}*`);
  const headers = (match.headers ?? []).map(({ name }) => name);
  return headers.length === 0 ? path : `${path}, by ${headers.join(', ')}`;
}

function targetOf(route: Route): string {
  if (route.direct_response !== undefined) return `HTTP ${route.direct_response.status}`;
  const weighted = route.route?.weighted_clusters?.clusters;
  if (weighted !== undefined) return weighted.map(({ name, weight = 0 }) => `${weight} % ${name}`).join(', ');
  return clustersOf({ name: '', domains: [], routes: [route] }).join(', ') || 'no cluster';
}

const sorted = <Row>(rows: readonly Row[], by: (row: Row) => string): Row[] =>
  [...rows].sort((left, right) => by(left).localeCompare(by(right)));
