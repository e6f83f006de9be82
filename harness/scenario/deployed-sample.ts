import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { remoteServiceViaEgress, type GlobalService } from '../mesh/profile.ts';
import type { ServicePort } from '../mesh/service-port.ts';
import type { RemoteEndpoint } from '../mesh/services.ts';
import { RemotePath, type RemotePathOptions } from './remote-path.ts';
import type { SampleObjects, SampleRun } from './sample.ts';
import type { Gateway, Workload } from './workload.ts';

/** How a service is declared in the client's cluster; as the walkthrough has it, where nothing is said. */
export interface Connection {
  /** What the client's sidecar connects to; the peer's gateway on 15443 by default. */
  readonly endpoints?: readonly RemoteEndpoint[];
  readonly resolution?: 'STATIC' | 'DNS';
  /** Objects that are applied in the client's cluster together with the ServiceEntry. */
  readonly also?: readonly KubernetesObject[];
  /** The sentence of the step `declare`. */
  readonly says?: string;
  /** Another service of the same pods; its name ends the keys of the steps, as in `declare-tcp`. */
  readonly other?: {
    readonly name: string;
    readonly service: GlobalService;
    /** What the server's own cluster declares its port as, where that is another protocol. */
    readonly served?: ServicePort['protocol'];
  };
}

/** A path that goes through the egress gateway of the client's cluster. */
export interface EgressPath {
  readonly egress: Gateway & { readonly hostname: string };
  readonly path: RemotePath;
  /** "address:port" of the egress gateway, as the sidecar connects to it. */
  readonly toEgress: string;
  /** "address:port" of the peer's gateway, as the egress gateway connects to it. */
  readonly toPeer: string;
}

interface Deployed {
  readonly sleep: Workload;
  readonly httpbin: Workload;
  readonly gateway: Gateway;
}

/** A sample whose workloads run: a client in one cluster that can be led to a service of another. */
export class DeployedSample {
  /** In the client's cluster. */
  readonly sleep: Workload;
  /** In the server's cluster. */
  readonly httpbin: Workload;
  /** The gateway of the server's cluster. */
  readonly gateway: Gateway;
  readonly #sample: SampleObjects;
  readonly #run: SampleRun;

  constructor(sample: SampleObjects, run: SampleRun, { sleep, httpbin, gateway }: Deployed) {
    this.#sample = sample;
    this.#run = run;
    this.sleep = sleep;
    this.httpbin = httpbin;
    this.gateway = gateway;
  }

  /**
   * Lets each cluster know the service, and goes on when every proxy of the path holds it: the steps `expose`,
   * `declare` and `hold`.
   *
   * @throws MeshproofError MP701 when the path is not there in time, MP704 when Envoy refuses a push
   */
  readonly connect = async (how: Connection = {}): Promise<RemotePath> => {
    const { endpoints = [{ address: this.gateway.address }], resolution, also = [], says, other } = how;
    const { client, step } = this.#run;
    const service = other?.service ?? this.#sample.service;
    const suffix = other === undefined ? '' : `-${other.name}`;
    const entry = this.#sample.remote({
      service,
      endpoints,
      ...(resolution === undefined ? {} : { resolution }),
      ...(other === undefined ? {} : { name: `httpbin${suffix}` }),
    });
    const as = other?.served;
    // Istio takes the protocol from the port's name as well, so that follows.
    const port = as === undefined ? service.port : { ...service.port, protocol: as, name: as.toLowerCase() };
    await this.#expose({ ...service, port }, suffix);
    const declares = says ?? `create the ServiceEntry for ${service.host} in ${client.name}`;
    await step(`declare${suffix}`, declares, () => client.apply(entry, ...also));
    const [first, ...more] = endpoints;
    // Of several the peer's gateway is the one that leads to the other cluster.
    const leads = first === undefined || more.length > 0 ? this.gateway : first;
    const [endpoint = '', ...beside] = [leads, ...endpoints.filter((one) => one.address !== leads.address)].map(
      ({ address, port = this.gateway.port }) => `${address}:${port}`,
    );
    return await this.#hold(suffix, { service, endpoint, beside });
  };

  /**
   * The same through the egress gateway: the steps `find-egress`, `expose`, `declare` and `hold`.
   *
   * @param resolution the walkthrough's tab: STATIC leads to the egress gateway by its IP address, DNS by its host name
   * @param says the sentence of the step `declare`
   */
  readonly connectThroughEgress = async (resolution: 'STATIC' | 'DNS', says: string): Promise<EgressPath> => {
    const { service } = this.#sample;
    const { client, step } = this.#run;
    const egress = await step('find-egress', 'find the address of the egress gateway', () => client.egressGateway());
    const name = resolution === 'DNS' ? egress.hostname : egress.address;
    const [toEgress, toPeer] = [`${name}:${egress.port}`, `${this.gateway.address}:${this.gateway.port}`];
    const place = this.#sample.place(service.host);
    const lead = { resolution, egress: name, gateway: this.gateway.address };
    await this.#expose(service, '');
    await step('declare', says, () => client.apply(remoteServiceViaEgress({ ...service, ...place, ...lead })));
    const path = await this.#hold('', { service, endpoint: toEgress, via: { gateway: egress, endpoint: toPeer } });
    return { egress, path, toEgress, toPeer };
  };

  async #expose(service: GlobalService, suffix: string): Promise<void> {
    const { server, step } = this.#run;
    const says = `make ${service.host} known to the gateway of ${server.name} (profile modern)`;
    await step(`expose${suffix}`, says, () => server.apply(this.#sample.exposed(server, service)));
  }

  async #hold(
    suffix: string,
    how: Pick<RemotePathOptions, 'service' | 'endpoint' | 'beside' | 'via'>,
  ): Promise<RemotePath> {
    const workload = `${this.httpbin.address}:${this.#run.server.httpbinPort}`;
    const path = new RemotePath({ client: this.sleep, gateway: this.gateway, workload, ...how });
    const says = 'wait until every proxy on the path holds the configuration';
    await this.#run.step(`hold${suffix}`, says, () => path.held());
    return path;
  }
}
