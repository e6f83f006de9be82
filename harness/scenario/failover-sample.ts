import { localityFailover, outboundCluster } from '../mesh/services.ts';
import type { DeployedSample } from './deployed-sample.ts';
import { RemoteSample } from './remote-sample.ts';
import type { SampleRun } from './sample.ts';
import type { Needs } from './scenario.ts';
import type { Workload } from './workload.ts';

/** One service in both clusters, and a client whose own region is preferred. */
export interface DeployedFailover {
  readonly sleep: Workload;
  /** The service's pod in the client's cluster. */
  readonly local: Workload;
  /** The service's pod in the other cluster. */
  readonly remote: Workload;
  /** Name of the service's outbound cluster in the client's sidecar. */
  readonly cluster: string;
  /** "address:port" of the service in the client's own cluster. */
  readonly toNear: string;
  /** "address:port" of the peer's gateway. */
  readonly toPeer: string;
}

const [home, away] = ['home/zone/rack', 'away/zone/rack'] as const;

/** A sample whose service runs in one namespace of both clusters: the client's region first, the other behind it. */
export class FailoverSample {
  readonly namespace: string;
  /** The `.global` name that both clusters serve. */
  readonly host: string;
  readonly needs: Needs;
  readonly #sample: RemoteSample;

  /** @param name its namespace in both clusters, from which host and address follow */
  constructor(name: string) {
    const { service } = new RemoteSample(name);
    const host = `httpbin.${name}.global`;
    this.namespace = name;
    this.host = host;
    this.#sample = new RemoteSample(name, {
      namespaces: { client: name, server: name },
      service: { ...service, host },
    });
    this.needs = this.#sample.needs;
  }

  /** "httpbin.<name>.global:8000/hostname", for curl. */
  url(path = '/'): string {
    const { host, port } = this.#sample.service;
    return `http://${host}:${port.number}${path}`;
  }

  /**
   * Deploys the service in both clusters and a client in the region “home”, and goes on when its sidecar holds both
   * ways: the steps of a remote sample, `find-local` and `hold-failover`.
   *
   * @throws MeshproofError MP701 when a path is not there in time, MP704 when Envoy refuses a push
   */
  async deploy(run: SampleRun): Promise<DeployedFailover> {
    const { client, step } = run;
    const { service } = this.#sample;
    const labels = { 'istio-locality': home.replaceAll('/', '.') };
    let deploying: Promise<Workload> | undefined;
    const here = (): Promise<Workload> => (deploying ??= client.deployHttpbin(this.namespace));
    const deployed = await this.#sample.deploy(run, labels, here);
    const { sleep, httpbin: remote, gateway } = deployed;
    const [local, near] = await step('find-local', 'find httpbin in the first cluster as well', () =>
      Promise.all([here(), client.service(this.namespace, 'httpbin')]),
    );
    await this.#connect(deployed, near.address);
    const cluster = outboundCluster(service.host, service.port.number);
    const toPeer = `${gateway.address}:${gateway.port}`;
    await step('hold-failover', 'wait until the sidecar holds the failover', () =>
      sleep.proxy.holds('the failover', (dump) => dump.prioritiesOf(cluster)[toPeer] === 1),
    );
    return { sleep, local, remote, cluster, toNear: `${near.address}:${service.port.number}`, toPeer };
  }

  async #connect({ gateway, connect }: DeployedSample, near: string): Promise<void> {
    const { service } = this.#sample;
    await connect({
      endpoints: [
        { address: near, port: service.port.number, locality: home },
        { address: gateway.address, locality: away },
      ],
      resolution: 'STATIC',
      also: localityFailover({ host: service.host, ...this.#sample.place(service.host), from: 'home', to: 'away' }),
      says: 'declare both endpoints with their localities, and the failover between them',
    });
  }
}
