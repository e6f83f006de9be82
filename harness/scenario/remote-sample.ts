import { createHash } from 'node:crypto';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { httpbinGlobal, type GlobalService } from '../mesh/profile.ts';
import type { ServicePort } from '../mesh/service-port.ts';
import { exposedService, remoteService } from '../mesh/services.ts';
import { DeployedSample } from './deployed-sample.ts';
import type { MeshCluster } from './mesh-cluster.ts';
import type { SampleEntry, SampleNames, SampleObjects, SampleRun } from './sample.ts';
import type { Needs } from './scenario.ts';

/**
 * samples/sleep in the client's cluster and samples/httpbin in the server's, in namespaces of their own and with a host
 * and an address of their own, so that scenarios stand beside each other and beside other people.
 *
 * @example
 * const sample = new RemoteSample('checkout');
 * export default scenario({ id: 'checkout', …, needs: sample.needs }, async (run) => {
 *   const { sleep, connect } = await sample.deploy(run);
 *   const path = await connect();
 *   await run.claim('answers', async () => {
 *     await expect(() => sleep.curl(path.url('/headers'))).toEventuallyHaveStatus(200);
 *   });
 * });
 */
export class RemoteSample implements SampleObjects {
  readonly namespaces: SampleNames['namespaces'];
  readonly service: GlobalService;
  /** What a scenario with this sample needs, as its `needs`. */
  readonly needs: Needs & { readonly hosts: readonly GlobalService[] };

  /**
   * @param name from which namespaces, host and address follow: lower-case letters, digits and dashes
   * @param names in their place, where a scenario has to have others
   */
  constructor(name: string, { namespaces, service }: SampleNames = namesFor(name)) {
    this.namespaces = namespaces;
    this.service = service;
    const own = [...new Set(Object.values(namespaces))];
    this.needs = { clusters: 2, loadBalancer: true, namespaces: own, hosts: [service] };
  }

  /**
   * Deploys both workloads, and finds the gateway of the server's cluster: the steps `deploy` and `find-gateway`.
   *
   * @param labels of the client's pod; `istio-locality` says where it counts as being
   * @param beside what else is deployed at the same time
   * @throws MeshproofError MP701 when a pod, MP604 when the gateway is not ready in time
   */
  async deploy(
    run: SampleRun,
    labels: Readonly<Record<string, string>> = {},
    beside: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<DeployedSample> {
    const { client, server, step } = run;
    const { client: near, server: far } = this.namespaces;
    const deploys = `deploy sleep in namespace ${near} of ${client.name}, httpbin in ${far} of ${server.name}`;
    const [sleep, httpbin] = await step('deploy', deploys, () =>
      Promise.all([client.deploySleep(near, labels), server.deployHttpbin(far), beside()]),
    );
    const gateway = await step('find-gateway', `find the gateway address of ${server.name}`, () =>
      server.ingressGateway(),
    );
    return new DeployedSample(this, run, { sleep, httpbin, gateway });
  }

  /** One more service of the same namespaces, with a host and an address of its own. */
  another(name: string, port: ServicePort = this.service.port): GlobalService {
    const host = `${name}.${this.namespaces.server}.global`;
    return { host, address: addressOf(host), port };
  }

  /** The ServiceEntry by which the client's cluster knows a service of these pods. */
  remote({ service = this.service, name, ...entry }: SampleEntry): KubernetesObject {
    return remoteService({ ...service, ...this.place(service.host, name), ...entry });
  }

  /** Namespace and name of objects about a host in the client's cluster. */
  place(host: string, name?: string): { readonly namespace: string; readonly name: string } {
    const byHost = host.replace(/\.global$/, '').replaceAll('.', '-');
    return { namespace: this.namespaces.client, name: name ?? byHost };
  }

  /**
   * The ServiceEntry by which a server's cluster, and so its gateway, knows a service of these pods.
   *
   * @param cluster that runs them
   */
  exposed(
    cluster: Pick<MeshCluster, 'httpbinPort'>,
    { host, port }: Pick<GlobalService, 'host' | 'port'> = this.service,
  ): KubernetesObject {
    return exposedService({
      host,
      namespace: this.namespaces.server,
      name: host.replaceAll('.', '-'),
      port: { ...port, targetPort: cluster.httpbinPort },
      selector: { app: 'httpbin' },
    });
  }
}

/** The walkthrough's own: sleep in foo, httpbin in bar, known as httpbin.bar.global at 240.0.0.2. */
export const pageSample = new RemoteSample('page', {
  namespaces: { client: 'foo', server: 'bar' },
  service: httpbinGlobal,
});

function namesFor(name: string): SampleNames {
  const namespaces = { client: `${name}-client`, server: `${name}-server` };
  const host = `httpbin.${namespaces.server}.global`;
  const port = { name: 'http', number: 8000, protocol: 'HTTP' } as const;
  return { namespaces, service: { host, address: addressOf(host), port } };
}

/** One of 2^24 addresses that no sidecar captures for anything else; the page's own begin with 240.0. */
function addressOf(host: string): string {
  const [second = 0, third = 0, fourth = 0] = createHash('sha256').update(host).digest();
  return `24${1 + (second % 9)}.${second}.${third}.${fourth}`;
}
