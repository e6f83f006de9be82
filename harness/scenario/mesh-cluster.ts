import { ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { httpbin, injectedNamespace, sleep } from '../cluster/workloads.ts';
import { clientAnnotations } from '../mesh/profile.ts';
import { proxySyncs, pushesOf } from '../mesh/readiness.ts';
import { eastWestPort, systemNamespace } from '../mesh/operator.ts';
import { resolveInPod } from '../probe/resolve.ts';
import { curl, curlTimes, type CurlExchange, type CurlOptions } from '../probe/curl.ts';
import type { PodContainer } from '../probe/pod.ts';
import { Proxy } from '../probe/proxy.ts';
import { greetTls, type Greeting, type HandshakeResult } from '../probe/tls-client.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { ClusterDns } from './cluster-dns.ts';
import type { Environment, EnvironmentCluster } from './environment.ts';
import type { EvidenceFolder } from './evidence.ts';

/** A pod that resolves names as its applications do. */
export interface Resolver {
  /** The IPv4 addresses that the pod's own resolver gives for a name, sorted; empty when there is none. */
  resolve(host: string): Promise<string[]>;
  /** The same, once there is at least one: for a name that is on its way. */
  eventuallyResolves(host: string): Promise<string[]>;
}

/** A pod of the mesh: an application container that can call, and the sidecar beside it. */
export interface Workload extends Resolver {
  readonly pod: string;
  /** The pod's own address. */
  readonly address: string;
  readonly proxy: Proxy;
  /** The identity that its certificate carries, e.g. `spiffe://cluster.local/ns/foo/sa/sleep`. */
  readonly identity: string;
  /** Calls a URL as an application would; a refused call is an answer, not an error. */
  curl(url: string, options?: CurlOptions): Promise<CurlExchange>;
  /** The same many times, one after the other, each with a request id of its own. */
  curlTimes(times: number, url: string, options?: CurlOptions): Promise<CurlExchange[]>;
}

/** A gateway: its proxy, and the address under which peers reach it. */
export interface Gateway {
  readonly proxy: Proxy;
  readonly address: string;
  readonly port: number;
  /** Calls a URL from the gateway's own pod, past every sidecar: a look at the bare network. */
  curl(url: string, options?: CurlOptions): Promise<CurlExchange>;
}

export interface MeshClusterOptions {
  readonly environment: Environment;
  readonly cluster: EnvironmentCluster;
  readonly evidence: EvidenceFolder;
  readonly signal: AbortSignal;
}

const readyWithin = 60_000;

/** One cluster of the mesh, as a scenario sees it. What is applied through it is taken away again when the scenario ends. */
export class MeshCluster {
  readonly api: ClusterApi;
  readonly #options: MeshClusterOptions;
  readonly dns: ClusterDns;
  readonly #applied: KubernetesObject[] = [];

  constructor(options: MeshClusterOptions) {
    this.#options = options;
    this.api = new ClusterApi(options.cluster);
    this.dns = new ClusterDns(this.api, (...objects) => this.apply(...objects), options.signal);
  }

  get name(): string {
    return this.#options.cluster.name;
  }

  /** The port of httpbin's container, which depends on the image. */
  get httpbinPort(): number {
    return this.#options.environment.images.httpbinPort;
  }

  /** Applies objects of this scenario; they are removed when it ends, whatever its verdict. */
  async apply(...objects: readonly KubernetesObject[]): Promise<void> {
    this.#applied.push(...objects);
    await this.api.applyAll(objects, this.#options.signal);
    for (const object of objects) await this.#options.evidence.keepManifest(this.name, object);
  }

  /** Takes away what `apply` made, last first. */
  async removeApplied(): Promise<void> {
    for (const object of this.#applied.splice(0).reverse()) await this.api.delete(object);
  }

  /** Deploys samples/sleep into a namespace with injection, and waits until its sidecar serves. */
  async deploySleep(namespace: string): Promise<Workload> {
    await this.api.claimNamespace(namespace);
    await this.api.applyAll([injectedNamespace(namespace), ...sleep({ namespace, image: this.#options.environment.images.curl, annotations: clientAnnotations })], this.#options.signal);
    return await this.#workload(namespace, 'sleep', undefined);
  }

  /** Deploys samples/sleep into a namespace without injection: a client that no sidecar helps. */
  async deployPlainSleep(namespace: string): Promise<Resolver> {
    const { environment, signal } = this.#options;
    await this.api.claimNamespace(namespace);
    await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await this.api.applyAll(sleep({ namespace, image: environment.images.curl, annotations: {} }), signal);
    await this.api.waitForDeployment(namespace, 'sleep', { within: readyWithin, signal });
    return this.#resolver(this.container(namespace, 'deploy/sleep', 'sleep'));
  }

  /** Deploys samples/httpbin into a namespace with injection, and waits until its sidecar serves. */
  async deployHttpbin(namespace: string, version = 'v1'): Promise<Workload> {
    const { httpbin: image, httpbinPort: port } = this.#options.environment.images;
    const objects = httpbin({ namespace, image, port, version });
    await this.api.claimNamespace(namespace);
    if (version === 'v1') await this.api.applyAll([injectedNamespace(namespace), ...objects], this.#options.signal);
    // Another version shares account and Service with the first; its deployment goes when the scenario ends.
    else await this.apply(...objects.filter(({ kind }) => kind === 'Deployment'));
    return await this.#workload(namespace, 'httpbin', version);
  }

  /** The gateway that peers call (walkthrough: `CLUSTER2_GW_ADDR`, port 15443). */
  async ingressGateway(): Promise<Gateway> {
    return await this.#gateway('istio-ingressgateway', this.#options.cluster.gateway?.address ?? '');
  }

  /** The gateway through which traffic leaves, by its cluster IP (walkthrough: `CLUSTER1_EGW_ADDR`). */
  async egressGateway(): Promise<Gateway & { readonly hostname: string }> {
    const service = 'istio-egressgateway';
    const { spec } = await this.api.core.readNamespacedService({ namespace: systemNamespace, name: service });
    return { ...(await this.#gateway(service, spec?.clusterIP ?? '')), hostname: `${service}.${systemNamespace}.svc.cluster.local` };
  }

  /** Where the ingress gateway answers without a load balancer: a node's address and the node port of 15443 (walkthrough: the NodePort tip). */
  async nodePort(): Promise<{ readonly address: string; readonly port: number }> {
    const [{ items: nodes }, { spec }] = await Promise.all([this.api.core.listNode(), this.api.core.readNamespacedService({ namespace: systemNamespace, name: 'istio-ingressgateway' })]);
    const address = nodes[0]?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
    return { address, port: spec?.ports?.find(({ port }) => port === eastWestPort)?.nodePort ?? 0 };
  }

  async #gateway(app: string, address: string): Promise<Gateway> {
    const { name: pod } = await this.#readyPod(systemNamespace, app);
    const container = this.container(systemNamespace, pod, 'istio-proxy');
    return { proxy: this.#proxy(systemNamespace, pod), address, port: eastWestPort, curl: (url, options) => this.#curl(container, url, options) };
  }

  /** The cluster's own identity: the UID of its kube-system namespace, which no two clusters share. */
  async uid(): Promise<string> {
    const { metadata } = await this.api.core.readNamespace({ name: 'kube-system' });
    return metadata?.uid ?? '';
  }

  /** True when the user may do everything with everything, as `kubectl auth can-i '*' '*' --all-namespaces` asks. */
  async mayDoEverything(): Promise<boolean> {
    return await this.api.mayDoEverything();
  }

  /** Greets a TLS port from outside of the mesh, in the harness's own process, which stands on the clusters' network. */
  async greet(greeting: Greeting): Promise<HandshakeResult> {
    return await greetTls(greeting);
  }

  /** Deletes a namespace and waits until it is gone, with all that was in it. */
  async removeNamespace(name: string): Promise<void> {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await this.api.delete(object);
    await waitFor({
      name: `namespace ${name} of ${this.name} is gone`,
      where: `cluster ${this.name}`,
      within: readyWithin,
      signal: this.#options.signal,
      look: async () => ((await this.api.read(object)) === undefined ? holds(undefined) : notYet('it is still terminating')),
    });
  }

  /** Everything of a namespace that the walkthrough could have made there, by name; the namespace itself included. */
  async objectsIn(namespace: string): Promise<string[]> {
    return await this.api.objectsIn(namespace);
  }

  /** A sidecar-less look at where the workload runs, for probes in a container of one's own choice. */
  container(namespace: string, pod: string, container: string): PodContainer {
    const { cluster } = this.#options;
    return { cluster: cluster.name, kubeconfig: cluster.kubeconfig, context: cluster.context, namespace, pod, container };
  }

  async #workload(namespace: string, app: string, version: string | undefined): Promise<Workload> {
    const { signal } = this.#options;
    const deployment = version === undefined || version === 'v1' ? app : `${app}-${version}`;
    await this.api.waitForDeployment(namespace, deployment, { within: readyWithin, signal });
    const { name: pod, address } = await this.#readyPod(namespace, app, version);
    return {
      pod,
      address,
      proxy: this.#proxy(namespace, pod),
      identity: `spiffe://cluster.local/ns/${namespace}/sa/${app}`,
      curl: (url, options) => this.#curl(this.container(namespace, pod, app), url, options),
      ...this.#resolver(this.container(namespace, pod, app)),
      curlTimes: async (times, url, options) => {
        const exchanges = await curlTimes(this.#options.environment.programs.kubectl, this.container(namespace, pod, app), times, url, options);
        await this.#options.evidence.keepExchanges(this.name, exchanges);
        return exchanges;
      },
    };
  }

  #resolver(from: PodContainer): Resolver {
    const { environment, signal } = this.#options;
    const resolve = (host: string): Promise<string[]> => resolveInPod(environment.programs.kubectl, from, host);
    return {
      resolve,
      eventuallyResolves: (host) =>
        waitFor({
          name: `${from.namespace}/${from.pod} resolves ${host}`,
          where: `cluster ${from.cluster}`,
          within: 30_000,
          signal,
          look: async () => {
            const addresses = await resolve(host);
            return addresses.length > 0 ? holds(addresses) : notYet('no address');
          },
        }),
    };
  }

  async #curl(from: PodContainer, url: string, options?: CurlOptions): Promise<CurlExchange> {
    const exchange = await curl(this.#options.environment.programs.kubectl, from, url, options);
    await this.#options.evidence.keepExchanges(this.name, [exchange]);
    return exchange;
  }

  #proxy(namespace: string, pod: string): Proxy {
    const { environment, evidence } = this.#options;
    return new Proxy(environment.programs.kubectl, this.container(namespace, pod, 'istio-proxy'), {
      keep: (proxy, dump) => evidence.keepDump(proxy.name, dump),
      pushes: async () => {
        const sync = (await proxySyncs(environment.programs.kubectl, this.#options.cluster)).find(({ proxy = '' }) => proxy.startsWith(`${pod}.`));
        return sync === undefined ? undefined : pushesOf(sync);
      },
      keepBarrier: async (proxy, passed) => {
        await evidence.keepBarrier(proxy.name, passed);
      },
    });
  }

  /** The one running pod of an app whose containers, the sidecar among them, are all ready. */
  async #readyPod(namespace: string, app: string, version?: string): Promise<{ readonly name: string; readonly address: string }> {
    const labelSelector = version === undefined ? `app=${app}` : `app=${app},version=${version}`;
    return await waitFor({
      name: `a pod of ${app} in ${namespace} of ${this.name} is ready with its sidecar`,
      where: `cluster ${this.name}`,
      within: readyWithin,
      signal: this.#options.signal,
      look: async () => {
        const { items } = await this.api.core.listNamespacedPod({ namespace, labelSelector });
        const living = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
        const ready = living.find(({ status }) => {
          const containers = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
          const sidecar = containers.find(({ name }) => name === 'istio-proxy');
          return sidecar?.ready === true && (status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True');
        });
        if (ready?.metadata?.name !== undefined) return holds({ name: ready.metadata.name, address: ready.status?.podIP ?? '' });
        return notYet(living.map(({ metadata, status }) => `${metadata?.name ?? ''}: ${(status?.containerStatuses ?? []).map(({ name, ready: isReady }) => `${name} ${isReady ? 'ready' : 'not ready'}`).join(', ')}`).join('; ') || 'no pod');
      },
    });
  }
}
