import { delivered, istiodHolds } from '../mesh/delivery.ts';
import { eastWestPort } from '../mesh/operator.ts';
import { proxySyncs, pushesOf } from '../mesh/readiness.ts';
import type { Concerned } from '../probe/envoy/own-part.ts';
import type { PodContainer } from '../probe/pod.ts';
import { Proxy } from '../probe/proxy.ts';
import type { AppliedObjects } from './applied-objects.ts';
import type { MeshClusterOptions } from './mesh-cluster-options.ts';
import { clientIn, type Client } from './workload.ts';

/** How a scenario speaks with the pods of one cluster: with their containers, and with their proxies. */
export class ClusterPods {
  readonly #applied: AppliedObjects;
  readonly #options: MeshClusterOptions;

  constructor(applied: AppliedObjects, options: MeshClusterOptions) {
    this.#applied = applied;
    this.#options = options;
  }

  /** A container of a pod. */
  container(namespace: string, pod: string, container: string): PodContainer {
    const { cluster } = this.#options;
    return {
      cluster: cluster.name,
      kubeconfig: cluster.kubeconfig,
      context: cluster.context,
      namespace,
      pod,
      container,
      foreign: cluster.foreign,
    };
  }

  /** A client in a container; every exchange is noted in the journal. */
  client(from: PodContainer): Client {
    const { environment, journal, signal } = this.#options;
    return clientIn(from, environment.programs.kubectl, journal, signal);
  }

  /** The proxy of a pod, with the barrier that waits for what this scenario applied. */
  proxy(namespace: string, pod: string): Proxy {
    const { environment, evidence, journal } = this.#options;
    return new Proxy(environment.programs.kubectl, this.container(namespace, pod, 'istio-proxy'), {
      noteHops: (hops) => {
        journal.noteHops(hops);
      },
      pushes: async () => {
        const sync = (await proxySyncs(environment.programs.kubectl, this.#options.cluster)).find(({ proxy = '' }) =>
          proxy.startsWith(`${pod}.`),
        );
        return sync === undefined ? undefined : pushesOf(sync);
      },
      concerned: this.#concerned(),
      delivered: () => this.delivered(pod),
      keepBarrier: async (proxy, passed) => {
        await evidence.keepBarrier(proxy.name, passed);
      },
    });
  }

  /**
   * Begins to watch whether all that this scenario applied here has reached a proxy, or every proxy of the cluster.
   *
   * @param pod of the proxy
   */
  delivered(pod?: string): () => Promise<boolean> {
    const { environment, cluster } = this.#options;
    const { kubectl } = environment.programs;
    const settled = delivered(
      () => istiodHolds(kubectl, cluster, this.#applied.takenByTheMesh),
      async () =>
        (await proxySyncs(kubectl, cluster)).filter(
          ({ proxy = '' }) => pod === undefined || proxy.startsWith(`${pod}.`),
        ),
    );
    // That nobody can tell only means that whoever waits does so for the whole time.
    return () => settled().catch(() => false);
  }

  /** Of proxies in a mesh that people live in only what the scenario itself makes is looked into. */
  #concerned(): Concerned | undefined {
    const { cluster, needs } = this.#options;
    if (cluster.foreign !== true) return undefined;
    const hosts = needs.hosts ?? [];
    return {
      hosts: hosts.map(({ host }) => host),
      namespaces: needs.namespaces,
      ports: [...new Set([...hosts.map(({ port }) => port.number), eastWestPort])],
    };
  }
}
