import { createHash } from 'node:crypto';
import type { GlobalService } from '../mesh/profile.ts';
import { exposedService, remoteService } from '../mesh/services.ts';
import type { MeshCluster } from './mesh-cluster.ts';
import { RemotePath } from './remote-path.ts';
import type { Needs } from './scenario.ts';
import type { Gateway, Workload } from './workload.ts';

/** A client in one cluster that calls a service of another, and the path between them. */
export interface DeployedSample {
  /** sleep, in the client's cluster. */
  readonly client: Workload;
  /** httpbin, in the server's cluster. */
  readonly server: Workload;
  /** The gateway of the server's cluster. */
  readonly gateway: Gateway;
  readonly path: RemotePath;
}

/**
 * samples/sleep and samples/httpbin in namespaces of their own, so that scenarios stand beside each other and beside
 * other people.
 *
 * @example
 * const sample = new RemoteSample('checkout');
 * export default scenario({ id: 'checkout', …, needs: sample.needs }, async ({ client, server, claim }) => {
 *   const { client: sleep } = await sample.deploy(client, server);
 *   await claim('the other cluster answers', async () => {
 *     await expect(() => sleep.curl(sample.url('/headers'))).toEventuallyHaveStatus(200);
 *   });
 * });
 */
export class RemoteSample {
  readonly service: GlobalService;
  /** What a scenario with this sample needs, as its `needs`. */
  readonly needs: Needs;
  readonly #namespaces: { readonly client: string; readonly server: string };

  /** @param name from which namespaces, host and address follow: lower-case letters, digits and dashes */
  constructor(name: string) {
    this.#namespaces = { client: `${name}-client`, server: `${name}-server` };
    // One of 2^24 addresses that no sidecar captures for anything else; the page's own begin with 240.0.
    const [second = 0, third = 0, fourth = 0] = createHash('sha256').update(name).digest();
    this.service = {
      host: `httpbin.${this.#namespaces.server}.global`,
      address: `24${1 + (second % 9)}.${second}.${third}.${fourth}`,
      port: { name: 'http', number: 8000, protocol: 'HTTP' },
    };
    this.needs = {
      clusters: 2,
      loadBalancer: true,
      namespaces: Object.values(this.#namespaces),
      hosts: [this.service],
    };
  }

  /** "httpbin.<name>-server.global:8000/headers", for curl. */
  url(path = '/'): string {
    return `${this.service.host}:${this.service.port.number}${path}`;
  }

  /**
   * Deploys both workloads, lets each cluster know the service, and goes on when every proxy of the path holds it.
   *
   * @throws MeshproofError MP701 when the path is not there in time, MP704 when Envoy refuses a push
   */
  async deploy(client: MeshCluster, server: MeshCluster): Promise<DeployedSample> {
    const { host, port } = this.service;
    const names = this.#namespaces;
    const [sleep, httpbin, gateway] = await Promise.all([
      client.deploySleep(names.client),
      server.deployHttpbin(names.server),
      server.ingressGateway(),
    ]);
    const exposed = { ...port, targetPort: server.httpbinPort };
    const selector = { app: 'httpbin' };
    await server.apply(
      exposedService({ host, namespace: names.server, name: 'httpbin-exposed', port: exposed, selector }),
    );
    const endpoints = [{ address: gateway.address }];
    await client.apply(remoteService({ ...this.service, namespace: names.client, name: 'httpbin-remote', endpoints }));
    const path = new RemotePath({ client: sleep, service: this.service, gateway });
    await path.held();
    return { client: sleep, server: httpbin, gateway, path };
  }
}
