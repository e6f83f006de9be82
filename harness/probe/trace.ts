import { z } from 'zod';
import { clustersOf, endpointName, tcpClusterOf, type ConfigDump, type UpstreamTls } from './envoy/config-dump.ts';

/**
 * One hop of a request's path as a proxy's configuration has it: found (with what), or broken (with the nearest thing
 * there is).
 */
export const hopSchema = z.object({
  proxy: z.string(),
  hop: z.enum([
    'listener',
    'route',
    'configuration',
    'cluster',
    'mutual TLS',
    'endpoint',
    'filter chain',
    'SNI cluster',
    'workload',
  ]),
  /**
   * Where on the path of the call its proxy is: 0 for the client's sidecar. Absent in dumps whose mesh is not known.
   */
  place: z.number().optional(),
  expected: z.string(),
  found: z.string().optional(),
  /** What is there instead, nearest first; empty when the hop was found. */
  nearest: z.array(z.string()).readonly(),
});

export type Hop = Readonly<z.infer<typeof hopSchema>>;

export interface OutboundQuestion {
  readonly host: string;
  readonly port: number;
  /** The address that the host resolves to; without it, the listener on the port that leads to the cluster. */
  readonly address?: string;
  /** The one endpoint that must be there, and no other, "address:port"; any when left out. */
  readonly endpoint?: string;
  /** Endpoints that were declared beside it; they may be there as well. */
  readonly beside?: readonly string[] | undefined;
  readonly sni: string;
  readonly cluster: string;
}

/**
 * Follows a request through the client's sidecar: listener → route → cluster → mutual TLS with SNI → endpoint. Stops at
 * the first hop that is not there, since the ones behind it are never reached.
 */
export function traceOutbound(dump: ConfigDump, proxy: string, question: OutboundQuestion): Hop[] {
  const { host, port, address, endpoint, beside = [], sni, cluster: clusterName } = question;
  const hops: Hop[] = [];
  const see = (
    hop: Hop['hop'],
    expected: string,
    found: string | undefined,
    nearest: () => readonly string[],
  ): boolean => {
    hops.push({ proxy, hop, expected, found, nearest: found === undefined ? nearestTo(expected, nearest()) : [] });
    return found !== undefined;
  };

  const listener = address === undefined ? dump.listenerLeadingTo(clusterName, port) : dump.listenerFor(address, port);
  if (
    !see('listener', `a listener for ${address ?? host}:${port}`, listener?.name, () =>
      dump.listeners.map(({ name }) => name),
    )
  )
    return hops;
  if (listener === undefined) return hops;

  const straight = dump.tcpTargetsOf(listener);
  const routes = dump.routeConfigOf(listener);
  const virtualHost = routes === undefined ? undefined : dump.virtualHostFor(routes, host);
  const targets = virtualHost === undefined ? [] : clustersOf(virtualHost);
  const byTcp = straight.includes(clusterName) ? `TCP, without a route → ${clusterName}` : undefined;
  const routed = targets.includes(clusterName) ? `virtual host ${virtualHost?.name ?? ''} → ${clusterName}` : byTcp;
  const routeNames = (): string[] =>
    straight.length > 0
      ? straight.map((target) => `TCP → ${target}`)
      : targets.length > 0
        ? targets.map((target) => `→ ${target}`)
        : (routes?.virtual_hosts ?? []).map(({ name }) => name);
  if (!see('route', `a route of ${host}:${port} to ${clusterName}`, routed, routeNames)) return hops;

  const cluster = dump.cluster(clusterName);
  if (!see('cluster', clusterName, cluster?.name, () => dump.clusters.map(({ name }) => name)) || cluster === undefined)
    return hops;

  const tls = dump.upstreamTls(cluster);
  // All three make it mutual: the name that the peer's gateway goes by, a certificate of the client's own, and a root
  // for the server's.
  const isMutual = tls?.sni === sni && tls.presents.length > 0 && tls.trusts === 'ROOTCA';
  if (
    !see('mutual TLS', `mutual TLS with SNI ${sni}`, isMutual ? describeTls(tls) : undefined, () => [
      tls === undefined ? 'no TLS at all' : tls.sni === sni ? describeTls(tls) : `SNI ${tls.sni ?? '(none)'}`,
    ])
  )
    return hops;

  const endpoints = dump.endpointsOf(cluster);
  const isWanted = (one: (typeof endpoints)[number]): boolean =>
    endpoint === undefined || endpointName(one) === endpoint;
  const serving = endpoints.filter(isWanted).map((one) => `${endpointName(one)} ${one.health}`);
  // Whatever else is among them gets a share of the calls, and retries would hide that it serves nobody.
  const isAlone = endpoints.every((one) => isWanted(one) || beside.includes(endpointName(one)));
  see(
    'endpoint',
    endpoint === undefined ? 'at least one endpoint' : isAlone ? endpoint : `${endpoint} and nobody else`,
    serving.length === 0 || !isAlone ? undefined : serving.join(', '),
    () => endpoints.map(endpointName),
  );
  return hops;
}

const describeTls = ({ sni = '(none)', presents, trusts = 'nothing', acceptedIdentities }: UpstreamTls): string =>
  `SNI ${sni}, presents ${presents.join(', ') || 'nothing'}, trusts ${trusts}, accepts ` +
  (acceptedIdentities.join(', ') || 'every identity of that root');

export interface GatewayQuestion {
  readonly port: number;
  readonly sni: string;
  /** The one endpoint that must be there, and no other, "address:port"; any healthy workload when left out. */
  readonly endpoint?: string | undefined;
}

/**
 * Follows a connection through a gateway: listener on 15443 → filter chain of the SNI → cluster of that name →
 * endpoint.
 */
export function traceGateway(dump: ConfigDump, proxy: string, question: GatewayQuestion): Hop[] {
  const { port, sni, endpoint } = question;
  const hops: Hop[] = [];
  const listener = dump.listenerOn(port);
  hops.push({
    proxy,
    hop: 'listener',
    expected: `a listener on ${port}`,
    found: listener?.name,
    nearest: listener === undefined ? dump.listeners.map(({ name }) => name) : [],
  });
  if (listener === undefined) return hops;

  const chain = dump.filterChainFor(port, sni);
  hops.push({
    proxy,
    hop: 'filter chain',
    expected: `a filter chain for SNI ${sni}`,
    found: chain === undefined ? undefined : `server names ${chain.filter_chain_match?.server_names?.join(', ') ?? ''}`,
    nearest: chain === undefined ? nearestTo(sni, dump.serverNames(port)) : [],
  });
  if (chain === undefined) return hops;

  const target = tcpClusterOf(chain);
  // A chain that matches the name may lead to anybody: only the cluster of that very name is the service's.
  const cluster = target === sni ? dump.cluster(sni) : undefined;
  hops.push({
    proxy,
    hop: 'SNI cluster',
    expected: `cluster ${sni}`,
    found: cluster?.name,
    nearest:
      cluster !== undefined
        ? []
        : target !== undefined && target !== sni
          ? [`the chain leads to ${target}`]
          : nearestTo(
              sni,
              dump.clusters.map(({ name }) => name),
            ),
  });
  if (cluster === undefined) return hops;

  const all = dump.endpointsOf(cluster);
  const healthy = all.filter(({ health }) => health === 'HEALTHY').map(endpointName);
  const others = endpoint === undefined ? [] : all.map(endpointName).filter((name) => name !== endpoint);
  const reached = endpoint === undefined ? healthy : healthy.filter((name) => name === endpoint);
  const whole = reached.length > 0 && others.length === 0;
  hops.push({
    proxy,
    hop: 'workload',
    expected: endpoint === undefined ? 'at least one healthy workload' : `${endpoint} and nobody else`,
    found: whole ? reached.join(', ') : undefined,
    nearest: whole ? [] : all.map((one) => `${endpointName(one)} ${one.health}`),
  });
  return hops;
}

/** The first hop that is not there. */
export const brokenHop = (hops: readonly Hop[]): Hop | undefined => hops.find(({ found }) => found === undefined);

/** A trace as lines: a tick for each hop that holds, a cross for the one that broke. */
export function describeTrace(hops: readonly Hop[]): string {
  return hops
    .map(({ proxy, hop, expected, found, nearest }) =>
      found === undefined
        ? `✗ ${proxy} · ${hop}: expected ${expected}, nearest: ` +
          (nearest.length === 0 ? 'nothing' : nearest.join(' | '))
        : `✓ ${proxy} · ${hop}: ${found}`,
    )
    .join('\n');
}

/** The three candidates that share the longest runs of letters with what was expected. */
export function nearestTo(expected: string, candidates: readonly string[]): string[] {
  const pairs = (text: string): Set<string> =>
    new Set(Array.from({ length: Math.max(text.length - 1, 0) }, (_, index) => text.slice(index, index + 2)));
  const wanted = pairs(expected);
  const score = (candidate: string): number => {
    const own = pairs(candidate);
    return (2 * [...own].filter((pair) => wanted.has(pair)).length) / Math.max(own.size + wanted.size, 1);
  };
  return [...candidates].sort((a, b) => score(b) - score(a)).slice(0, 3);
}
