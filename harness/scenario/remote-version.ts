import { outboundCluster, outboundSni, type RemoteEndpoint } from '../mesh/services.ts';
import type { CurlExchange } from '../probe/curl.ts';
import type { Watched } from '../probe/flow.ts';
import { traceGateway, type Hop } from '../probe/trace.ts';
import { allInOrder } from '../wait/all-in-order.ts';
import type { MeshCluster } from './mesh-cluster.ts';
import { watchedAt } from './remote-path.ts';
import type { RemoteSample } from './remote-sample.ts';
import type { Gateway, Workload } from './workload.ts';

/** One version of a remote service: its pod, and the gateway that leads there under an SNI of its own. */
export class RemoteVersion {
  readonly version: string;
  readonly pod: Workload;
  readonly gateway: Gateway;
  /** As the client's ServiceEntry lists it, with the label by which its subset finds it. */
  readonly endpoint: RemoteEndpoint & { readonly labels: { readonly cluster: string } };
  /** Name of the subset's outbound cluster in the sidecar. */
  readonly cluster: string;
  readonly sni: string;
  readonly #host: string;
  readonly #served: string;

  private constructor(
    sample: RemoteSample,
    version: string,
    label: string,
    pod: Workload,
    gateway: Gateway,
    port: number,
  ) {
    const { host, port: service } = sample.service;
    this.#host = host;
    this.version = version;
    this.pod = pod;
    this.gateway = gateway;
    this.endpoint = { address: gateway.address, labels: { cluster: label } };
    this.cluster = outboundCluster(host, service.number, version);
    this.sni = outboundSni(host, service.number, version);
    this.#served = `${pod.address}:${port}`;
  }

  /**
   * Deploys two versions of a sample's httpbin, and finds the gateways in front of them. Endpoints are labelled as on
   * the page: cluster2, and cluster3 where the second version lives in a cluster of its own.
   *
   * @param homes the cluster of each version; both may live in one
   * @param versions what they are called
   */
  static async deploy(
    sample: RemoteSample,
    homes: readonly [MeshCluster, MeshCluster],
    [one, other]: readonly [string, string] = ['v1', 'v2'],
  ): Promise<[RemoteVersion, RemoteVersion]> {
    const [first, second] = homes;
    const deployed = async (home: MeshCluster, version: string): Promise<RemoteVersion> => {
      const pod = await home.deployHttpbin(sample.namespaces.server, version);
      const label = home === first ? 'cluster2' : 'cluster3';
      return new RemoteVersion(sample, version, label, pod, await home.ingressGateway(), home.httpbinPort);
    };
    return await Promise.all([deployed(first, one), deployed(second, other)]);
  }

  /** How many of these calls its pod answered, by the name that httpbin says. */
  answered(calls: readonly CurlExchange[]): number {
    return calls.filter(({ body }) => body.includes(this.pod.pod)).length;
  }

  /** "address:port" of the gateway, as the sidecar connects to it. */
  get toGateway(): string {
    return `${this.gateway.address}:${this.gateway.port}`;
  }

  /** Goes on when the client's sidecar routes to the subset, and the gateway leads on from there. */
  async held(client: Workload): Promise<void> {
    const { gateway, cluster, sni, version } = this;
    const question = { port: gateway.port, sni };
    await allInOrder<unknown>([
      client.proxy.holds(`a route of ${this.#host} to subset ${version}`, (dump) => dump.routesTo(cluster).length > 0),
      gateway
        .everyProxy()
        .then((proxies) =>
          allInOrder(proxies.map((one) => one.holdsPath((dump) => traceGateway(dump, one.name, question)))),
        ),
    ]);
  }

  /** Listener → filter chain of the subset's SNI → cluster → this version's pod, in every pod of the gateway now. */
  async inGateway(): Promise<Hop[]> {
    const { gateway, sni } = this;
    const question = { port: gateway.port, sni, endpoint: this.#served };
    const proxies = await gateway.everyProxy();
    const hops = await Promise.all(proxies.map((one) => one.trace((dump) => traceGateway(dump, one.name, question))));
    return hops.flat();
  }

  /** What its gateway sends on under its SNI, in whichever pod, for `watchFlow`. */
  async watched(): Promise<Watched> {
    return await watchedAt(this.gateway, this.sni);
  }
}
