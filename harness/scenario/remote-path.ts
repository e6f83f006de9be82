import type { ServicePort } from '../mesh/service-port.ts';
import { outboundCluster, outboundSni } from '../mesh/services.ts';
import { topologyNamed } from '../mesh/topologies/registry.ts';
import type { PathStage } from '../mesh/topologies/topology.ts';
import type { ConfigDump } from '../probe/envoy/config-dump.ts';
import type { CurlExchange } from '../probe/curl.ts';
import { upstreamsOf, watchFlow, type Moved, type Watched } from '../probe/flow.ts';
import type { Proxy } from '../probe/proxy.ts';
import { traceGateway, traceOutbound, type Hop } from '../probe/trace.ts';
import { allInOrder } from '../wait/all-in-order.ts';
import type { Gateway, Workload } from './workload.ts';

export interface RemotePathOptions {
  readonly client: Workload;
  readonly service: { readonly host: string; readonly address: string; readonly port: ServicePort };
  /** The peer's gateway. */
  readonly gateway: Gateway;
  /**
   * What the client's sidecar connects to, "address:port", where that is not the peer's gateway itself: a node port, a
   * host name.
   */
  readonly endpoint?: string;
  /** Other endpoints that were declared for the service, "address:port". */
  readonly beside?: readonly string[];
  /** The pod that serves, "address:port", as the peer's gateway connects to it. */
  readonly workload?: string;
  /** The egress gateway in between, and what it connects to. */
  readonly via?: { readonly gateway: Gateway; readonly endpoint: string };
}

/** Calls that were made over a path, and what its gateways sent on meanwhile. */
export interface WatchedCalls {
  readonly calls: readonly CurlExchange[];
  readonly moved: readonly Moved[];
  /** How many of these calls the client's sidecar sent to which "address:port", by its own access log. */
  readonly upstreams: () => Promise<Record<string, number>>;
}

/** A gateway as `watchFlow` watches it: whichever of its pods sends something on under an SNI. */
export async function watchedAt(gateway: Gateway, sni: string): Promise<Watched> {
  const [proxy = gateway.proxy, ...beside] = await gateway.everyProxy();
  return { proxy, beside, cluster: sni };
}

/**
 * The path of a call to a service of another cluster: client's sidecar → (egress gateway) → the peer's gateway, as each
 * proxy's own configuration has it.
 */
export class RemotePath {
  /** Name of the outbound cluster in the sidecar. */
  readonly cluster: string;
  /** SNI under which gateways know the service. */
  readonly sni: string;
  /** What the sidecar connects to. */
  readonly endpoint: string;
  readonly #options: RemotePathOptions;

  constructor(options: RemotePathOptions) {
    const { service, gateway } = options;
    this.#options = options;
    this.cluster = outboundCluster(service.host, service.port.number);
    this.sni = outboundSni(service.host, service.port.number);
    this.endpoint = options.endpoint ?? `${gateway.address}:${gateway.port}`;
  }

  /**
   * The propagation barrier: goes on when every proxy of the path has it, as its control plane gave it, acknowledged.
   * Of a gateway that is each of its pods.
   */
  async held(): Promise<void> {
    await allInOrder(
      this.#stages.map(async ({ everyProxy, follow }) => {
        await allInOrder((await everyProxy()).map((one) => one.holdsPath(follow(one))));
      }),
    );
  }

  /** Listener → route → cluster → mutual TLS with SNI → endpoint, in the client's sidecar now. */
  async inSidecar(): Promise<Hop[]> {
    return await this.#look('client');
  }

  /** Listener → filter chain of the SNI → cluster → workload, in every pod of the peer's gateway now. */
  async inGateway(): Promise<Hop[]> {
    return await this.#look('gateway');
  }

  /** The same in every pod of the egress gateway, with the peer's gateway as its end. */
  async inEgress(): Promise<Hop[]> {
    return await this.#look('egress gateway');
  }

  /** "httpbin.bar.global:8000/headers", for curl. */
  url(path = '/'): string {
    const { host, port } = this.#options.service;
    return `${host}:${port.number}${path}`;
  }

  /** Calls the service so many times, one after the other, and watches the path meanwhile. */
  async call(times: number, path = '/headers'): Promise<WatchedCalls> {
    const { client } = this.#options;
    const begun = new Date();
    const { value: calls, moved } = await this.watch(() => client.curlTimes(times, this.url(path)));
    const ids = calls.map(({ requestId }) => requestId);
    return { calls, moved, upstreams: async () => upstreamsOf(await client.proxy.accessLogOf(ids, begun)) };
  }

  /** Runs calls, and watches what every gateway of the path sends on under this SNI meanwhile. */
  async watch<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly moved: readonly Moved[] }> {
    const { gateway, via } = this.#options;
    const gateways = via === undefined ? [gateway] : [via.gateway, gateway];
    return await watchFlow(await Promise.all(gateways.map((one) => watchedAt(one, this.sni))), work);
  }

  async #look(at: PathStage['at']): Promise<Hop[]> {
    const stages = this.#stages.filter((stage) => stage.at === at);
    const hops = await Promise.all(
      stages.map(async ({ everyProxy, follow }) =>
        Promise.all((await everyProxy()).map((one) => one.trace(follow(one)))),
      ),
    );
    return hops.flat(2);
  }

  /** The topology says which proxies a call meets; each hop knows where on that path it is. */
  get #stages(): {
    readonly at: PathStage['at'];
    /** The client's sidecar, or the proxy of each pod of a gateway. */
    readonly everyProxy: () => Promise<readonly Proxy[]>;
    readonly follow: (proxy: Proxy) => (dump: ConfigDump) => Hop[];
  }[] {
    const { client, service, gateway, via } = this.#options;
    const gateways = { client: undefined, 'egress gateway': via?.gateway ?? gateway, gateway };
    const call = {
      service,
      gateway,
      endpoint: this.endpoint,
      beside: this.#options.beside,
      workload: this.#options.workload,
      via: via === undefined ? undefined : { port: via.gateway.port, endpoint: via.endpoint },
    };
    return topologyNamed(gateway.topology)
      .path(call)
      .map((stage, place) => {
        const follow =
          ({ name }: Proxy) =>
          (dump: ConfigDump): Hop[] => {
            const hops =
              stage.at === 'client'
                ? traceOutbound(dump, name, stage.question)
                : traceGateway(dump, name, stage.question);
            return hops.map((hop) => ({ ...hop, place }));
          };
        const everyProxy = (): Promise<readonly Proxy[]> =>
          gateways[stage.at]?.everyProxy() ?? Promise.resolve([client.proxy]);
        return { at: stage.at, everyProxy, follow };
      });
  }
}
