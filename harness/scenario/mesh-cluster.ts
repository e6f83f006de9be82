import { ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { httpbin, injectedNamespace, sleep } from '../cluster/workloads.ts';
import { eastWestPort, systemNamespace } from '../mesh/operator.ts';
import { curl, type CurlExchange, type CurlOptions } from '../probe/curl.ts';
import type { PodContainer } from '../probe/pod.ts';
import { Proxy } from '../probe/proxy.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import type { Environment, EnvironmentCluster } from './environment.ts';
import type { EvidenceFolder } from './evidence.ts';

/** A pod of the mesh: an application container that can call, and the sidecar beside it. */
export interface Workload {
  readonly proxy: Proxy;
  /** The identity that its certificate carries, e.g. `spiffe://cluster.local/ns/foo/sa/sleep`. */
  readonly identity: string;
  /** Calls a URL as an application would; a refused call is an answer, not an error. */
  curl(url: string, options?: CurlOptions): Promise<CurlExchange>;
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
  readonly #applied: KubernetesObject[] = [];

  constructor(options: MeshClusterOptions) {
    this.#options = options;
    this.api = new ClusterApi(options.cluster);
  }

  get name(): string {
    return this.#options.cluster.name;
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
    await this.api.applyAll([injectedNamespace(namespace), ...sleep({ namespace, image: this.#options.environment.images.curl })], this.#options.signal);
    return await this.#workload(namespace, 'sleep');
  }

  /** Deploys samples/httpbin into a namespace with injection, and waits until its sidecar serves. */
  async deployHttpbin(namespace: string, version = 'v1'): Promise<Workload> {
    const { httpbin: image, httpbinPort: port } = this.#options.environment.images;
    await this.api.applyAll([injectedNamespace(namespace), ...httpbin({ namespace, image, port, version })], this.#options.signal);
    return await this.#workload(namespace, 'httpbin');
  }

  /** The gateway that peers call (walkthrough: `CLUSTER2_GW_ADDR`, port 15443). */
  async ingressGateway(): Promise<Gateway> {
    const { cluster } = this.#options;
    const pod = await this.#readyPod(systemNamespace, 'istio-ingressgateway');
    return {
      proxy: this.#proxy(systemNamespace, pod),
      address: cluster.gateway?.address ?? '',
      port: eastWestPort,
      curl: (url, options) => this.#curl(this.container(systemNamespace, pod, 'istio-proxy'), url, options),
    };
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

  /** A sidecar-less look at where the workload runs, for probes in a container of one's own choice. */
  container(namespace: string, pod: string, container: string): PodContainer {
    const { cluster } = this.#options;
    return { cluster: cluster.name, kubeconfig: cluster.kubeconfig, context: cluster.context, namespace, pod, container };
  }

  async #workload(namespace: string, app: string): Promise<Workload> {
    const { signal } = this.#options;
    await this.api.waitForDeployment(namespace, app, { within: readyWithin, signal });
    const pod = await this.#readyPod(namespace, app);
    return {
      proxy: this.#proxy(namespace, pod),
      identity: `spiffe://cluster.local/ns/${namespace}/sa/${app}`,
      curl: (url, options) => this.#curl(this.container(namespace, pod, app), url, options),
    };
  }

  async #curl(from: PodContainer, url: string, options?: CurlOptions): Promise<CurlExchange> {
    const exchange = await curl(this.#options.environment.programs.kubectl, from, url, options);
    await this.#options.evidence.keepExchange(this.name, exchange);
    return exchange;
  }

  #proxy(namespace: string, pod: string): Proxy {
    const { environment, evidence } = this.#options;
    return new Proxy(environment.programs.kubectl, this.container(namespace, pod, 'istio-proxy'), (proxy, dump) => evidence.keepDump(proxy.name, dump));
  }

  /** The one running pod of an app whose containers, the sidecar among them, are all ready. */
  async #readyPod(namespace: string, app: string): Promise<string> {
    return await waitFor({
      name: `a pod of ${app} in ${namespace} of ${this.name} is ready with its sidecar`,
      where: `cluster ${this.name}`,
      within: readyWithin,
      signal: this.#options.signal,
      look: async () => {
        const { items } = await this.api.core.listNamespacedPod({ namespace, labelSelector: `app=${app}` });
        const living = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
        const ready = living.find(({ status }) => {
          const containers = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
          const sidecar = containers.find(({ name }) => name === 'istio-proxy');
          return sidecar?.ready === true && (status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True');
        });
        if (ready?.metadata?.name !== undefined) return holds(ready.metadata.name);
        return notYet(living.map(({ metadata, status }) => `${metadata?.name ?? ''}: ${(status?.containerStatuses ?? []).map(({ name, ready: isReady }) => `${name} ${isReady ? 'ready' : 'not ready'}`).join(', ')}`).join('; ') || 'no pod');
      },
    });
  }
}
