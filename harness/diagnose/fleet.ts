import { eastWestPort } from '../mesh/operator.ts';
import { outboundCluster, outboundSni } from '../mesh/services.ts';
import type { ConfigDump } from '../probe/envoy/config-dump.ts';
import { traceGateway, traceOutbound, type Hop } from '../probe/trace.ts';
import { diagnose, type Diagnosis } from './diagnose.ts';

/** One proxy of a fleet, by a dump that somebody collected. */
export interface FleetProxy {
  /** Cluster as the proxy itself knows it, "west". */
  readonly cluster: string;
  /** "west foo/sleep-76d5b8b4b6-mzkk5". */
  readonly name: string;
  readonly role: 'sidecar' | 'gateway';
  readonly dump: ConfigDump;
}

/** The path from one sidecar to one service of another cluster, as the dumps of both ends have it. */
export interface FleetPath {
  readonly from: string;
  /** "httpbin.bar.global:8000", with its subset if it has one. */
  readonly service: string;
  readonly hops: readonly Hop[];
  readonly diagnosis: Diagnosis | undefined;
  /** What could not be looked at, and why. */
  readonly unseen?: string;
}

export interface FleetQuestion {
  /** Only this host; with it a sidecar that does not know the host at all counts as broken. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** Only proxies whose name holds this. */
  readonly from?: string | undefined;
}

interface Remote {
  readonly cluster: string;
  readonly host: string;
  readonly port: number;
  readonly subset: string;
}

/**
 * Follows every call from a sidecar to a service of another cluster, hop by hop: through the sidecar's own dump, then
 * through the gateways of the other clusters. Which services are meant is read from the dumps: `.global` hosts, and
 * whatever leads to port 15443.
 */
export function diagnoseFleet(proxies: readonly FleetProxy[], question: FleetQuestion = {}): FleetPath[] {
  // An egress gateway listens on 15443 as well, and peers do not call it.
  const gateways = proxies.filter(({ role, name }) => role === 'gateway' && !name.includes('egress'));
  return proxies
    .filter(({ role, name }) => role === 'sidecar' && (question.from === undefined || name.includes(question.from)))
    .flatMap((client) => remotesOf(client.dump, question).map((remote) => follow(client, remote, gateways)));
}

function remotesOf(dump: ConfigDump, { host, port }: FleetQuestion): Remote[] {
  const all = dump.clusters.flatMap((cluster): (Remote & { readonly leads: boolean })[] => {
    const [, number = '', subset = '', name = ''] = /^outbound\|(\d+)\|([^|]*)\|(.+)$/.exec(cluster.name) ?? [];
    if (name === '') return [];
    return [
      {
        cluster: cluster.name,
        host: name,
        port: Number(number),
        subset,
        leads:
          Number(number) !== eastWestPort &&
          (name.endsWith('.global') || dump.endpointsOf(cluster).some((endpoint) => endpoint.port === eastWestPort)),
      },
    ];
  });
  const routed = ({ cluster, port: number }: Remote): boolean => dump.listenerLeadingTo(cluster, number) !== undefined;
  // A service that is routed by its subsets keeps a cluster without one, to which nothing leads.
  const bySubset = (remote: Remote): boolean =>
    remote.subset === '' && !routed(remote) && all.some((other) => other.host === remote.host && other.subset !== '');
  if (host === undefined) return all.filter((remote) => remote.leads && !bySubset(remote));
  const asked = all.filter(
    (remote) => remote.host === host && (port === undefined || remote.port === port) && !bySubset(remote),
  );
  if (asked.length > 0) return asked;
  const wanted = port ?? 80;
  return [{ cluster: outboundCluster(host, wanted), host, port: wanted, subset: '' }];
}

function follow(client: FleetProxy, remote: Remote, gateways: readonly FleetProxy[]): FleetPath {
  const sni = outboundSni(remote.host, remote.port, remote.subset);
  const service = `${remote.host}:${remote.port}${remote.subset === '' ? '' : ` subset ${remote.subset}`}`;
  const outbound = traceOutbound(client.dump, client.name, {
    host: remote.host,
    port: remote.port,
    sni,
    cluster: remote.cluster,
  });
  const peers = gateways.filter(({ cluster }) => cluster !== client.cluster);
  // The one that serves it; or else one between clusters, whose nearest server names tell why it does not; or else any.
  const peer =
    peers.find(({ dump }) => dump.filterChainFor(eastWestPort, sni) !== undefined) ??
    peers.find(({ dump }) => dump.listenerOn(eastWestPort) !== undefined) ??
    peers[0];
  const hops =
    peer === undefined ? outbound : [...outbound, ...traceGateway(peer.dump, peer.name, { port: eastWestPort, sni })];
  return {
    from: client.name,
    service,
    hops,
    diagnosis: diagnose(hops),
    ...(peer === undefined
      ? { unseen: 'no dump of a gateway of another cluster is here, so the path is followed as far as the sidecar' }
      : {}),
  };
}
