import { outboundCluster, outboundSni, type ServicePort } from '../mesh/services.ts';
import { watchFlow, type Moved } from '../probe/flow.ts';
import { traceGateway, traceOutbound, type Hop } from '../probe/trace.ts';
import type { Gateway, Workload } from './workload.ts';

export interface RemotePathOptions {
  readonly client: Workload;
  readonly service: { readonly host: string; readonly address: string; readonly port: ServicePort };
  /** The peer's gateway. */
  readonly gateway: Gateway;
  /** What the client's sidecar connects to, "address:port", where that is not the peer's gateway itself: a node port, a host name. */
  readonly endpoint?: string;
  /** The egress gateway in between, and what it connects to. */
  readonly via?: { readonly gateway: Gateway; readonly endpoint: string };
}

/**
 * The path of a call to a service of another cluster: client's sidecar → (egress gateway) → the peer's gateway, as each proxy's own
 * configuration has it.
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

  /** The propagation barrier: goes on when every proxy of the path has it, as its control plane gave it, acknowledged. */
  async held(): Promise<void> {
    const { client, gateway, via } = this.#options;
    await Promise.all([
      client.proxy.holdsPath((dump) => traceOutbound(dump, client.proxy.name, this.#outbound)),
      gateway.proxy.holdsPath((dump) => traceGateway(dump, gateway.proxy.name, { port: gateway.port, sni: this.sni })),
      ...(via === undefined
        ? []
        : [
            via.gateway.proxy.holdsPath((dump) =>
              traceGateway(dump, via.gateway.proxy.name, {
                port: via.gateway.port,
                sni: this.sni,
                endpoint: via.endpoint,
              }),
            ),
          ]),
    ]);
  }

  /** Listener → route → cluster → mutual TLS with SNI → endpoint, in the client's sidecar now. */
  async inSidecar(): Promise<Hop[]> {
    const { proxy } = this.#options.client;
    return await proxy.trace((dump) => traceOutbound(dump, proxy.name, this.#outbound));
  }

  /** Listener → filter chain of the SNI → cluster → workload, in the peer's gateway now. */
  async inGateway(): Promise<Hop[]> {
    const { proxy, port } = this.#options.gateway;
    return await proxy.trace((dump) => traceGateway(dump, proxy.name, { port, sni: this.sni }));
  }

  /** The same in the egress gateway, with the peer's gateway as its end. */
  async inEgress(): Promise<Hop[]> {
    const { via } = this.#options;
    if (via === undefined) return [];
    const { proxy, port } = via.gateway;
    return await proxy.trace((dump) => traceGateway(dump, proxy.name, { port, sni: this.sni, endpoint: via.endpoint }));
  }

  /** Runs calls, and watches what every gateway of the path sends on under this SNI meanwhile. */
  async watch<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly moved: readonly Moved[] }> {
    const { gateway, via } = this.#options;
    const gateways = via === undefined ? [gateway] : [via.gateway, gateway];
    return await watchFlow(
      gateways.map(({ proxy }) => ({ proxy, cluster: this.sni })),
      work,
    );
  }

  get #outbound(): Parameters<typeof traceOutbound>[2] {
    const { host, address, port } = this.#options.service;
    return { host, port: port.number, address, endpoint: this.endpoint, sni: this.sni, cluster: this.cluster };
  }
}
