import type { ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { greeter, httpbin, injectedNamespace, sleep } from '../cluster/workloads.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { topologyNamed } from '../mesh/topologies/registry.ts';
import { ask } from '../tape/tape.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import type { AppliedObjects } from './applied-objects.ts';
import type { ClusterPods } from './cluster-pods.ts';
import { readyWithin, type MeshClusterOptions } from './mesh-cluster-options.ts';
import { readyPod } from './ready-pod.ts';
import { staleness } from './as-made-now.ts';
import type { Client, Workload } from './workload.ts';

/** The sample workloads of one cluster, which stay when a scenario ends: others use them again. */
export class Samples {
  readonly #api: ClusterApi;
  readonly #applied: AppliedObjects;
  readonly #pods: ClusterPods;
  readonly #options: MeshClusterOptions;
  /** Namespace → what was deployed there. */
  readonly #deployed = new Map<string, KubernetesObject[]>();
  /** When the scenario began, in milliseconds; in whole seconds, as Kubernetes tells when a pod was made. */
  readonly #since = Math.floor(Date.now() / 1000) * 1000;

  constructor(api: ClusterApi, applied: AppliedObjects, pods: ClusterPods, options: MeshClusterOptions) {
    this.#api = api;
    this.#applied = applied;
    this.#pods = pods;
    this.#options = options;
  }

  /**
   * Deploys samples/sleep into a namespace with injection, and waits until its sidecar serves.
   *
   * @param labels of the pod; `istio-locality` says where it counts as being
   */
  async deploySleep(namespace: string, labels: Readonly<Record<string, string>> = {}): Promise<Workload> {
    const { images, topology } = this.#options.environment;
    const annotations = { ...topologyNamed(topology).clientAnnotations };
    await this.#applyInjected(namespace, sleep({ namespace, image: images.curl, annotations, labels }));
    return await this.#workload(namespace, 'sleep', undefined);
  }

  /** Deploys samples/sleep into a namespace without injection: a client that no sidecar helps. */
  async deployPlainSleep(namespace: string): Promise<Client> {
    const { environment, signal } = this.#options;
    await this.#claim(namespace);
    await this.#applied.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }]);
    await this.#applyForGood(sleep({ namespace, image: environment.images.curl, annotations: {} }));
    await this.#api.waitForDeployment(namespace, 'sleep', { within: readyWithin, signal });
    return this.#pods.client(this.#pods.container(namespace, 'deploy/sleep', 'sleep'));
  }

  /** Deploys samples/httpbin into a namespace with injection, and waits until its sidecar serves. */
  async deployHttpbin(namespace: string, version = 'v1'): Promise<Workload> {
    const { httpbin: image, httpbinPort: port } = this.#options.environment.images;
    const objects = httpbin({ namespace, image, port, version });
    const passing = objects.filter(({ kind }) => kind === 'Deployment' && version !== 'v1');
    const staying = objects.filter((object) => !passing.includes(object));
    await this.#applyInjected(namespace, staying);
    // Another version shares account and Service with the first; its deployment goes when the scenario ends.
    await this.#applied.apply(passing);
    return await this.#workload(namespace, 'httpbin', version);
  }

  /**
   * Deploys a gRPC server into a namespace with injection, and waits until its sidecar serves.
   *
   * @param image with CoreDNS; the cluster's own serves
   */
  async deployGreeter(namespace: string, image: string): Promise<Workload> {
    await this.#applyInjected(namespace, greeter({ namespace, image }));
    return await this.#workload(namespace, 'greeter', undefined);
  }

  /** Cleans up as the walkthrough does: what the scenario applied, the workloads of the namespace, the namespace. */
  async removeSample(namespace: string): Promise<void> {
    await this.#applied.remove();
    const deployed = this.#deployed.get(namespace) ?? [];
    for (const object of deployed.filter(({ kind }) => kind !== 'Namespace').reverse())
      await this.#applied.delete(object);
    await this.removeNamespace(namespace);
  }

  /**
   * Takes the workloads of the scenario's own namespaces away, and does not wait for it.
   *
   * @param shared namespaces that other scenarios use, too
   */
  async rest(shared: ReadonlySet<string>): Promise<void> {
    for (const [namespace, objects] of this.#deployed)
      if (!shared.has(namespace))
        for (const object of objects.filter(({ kind }) => kind === 'Deployment')) await this.#applied.delete(object);
  }

  /** Deletes every namespace whose pods have a sidecar, whichever scenario made it. */
  async removeSamples(): Promise<void> {
    const names = await this.#api.ownNamespaces('istio-injection=enabled');
    await Promise.all(names.map((name) => this.removeNamespace(name)));
  }

  /** Deletes a namespace and waits until it is gone, with all that was in it. */
  async removeNamespace(name: string): Promise<void> {
    await this.#applied.delete({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await this.#api.waitUntilGone(name, { within: readyWithin, signal: this.#options.signal });
  }

  /** A namespace that nobody agreed to would surprise the owner of the cluster. */
  async #claim(namespace: string): Promise<void> {
    const {
      scenario,
      needs: { namespaces },
    } = this.#options;
    if (!namespaces.includes(namespace))
      throw new MeshproofError('MP999', {
        what: `the scenario ${scenario} makes the namespace ${namespace} without saying so`,
        expected: `needs.namespaces with ${namespace}`,
        seen: namespaces.join(', '),
      });
    await this.#api.claimNamespace(namespace);
  }

  /**
   * Makes a namespace of a mesh of meshproof's own, and waits until istiod has put the root certificate there, which
   * every sidecar mounts. A pod that is there before it is tried again after seconds that double each time; and an
   * istiod that took the place of one which was killed does it only when it has become the leader, after half a minute
   * (istio: pilot/pkg/leaderelection has a lease of 30 s).
   */
  async #rooted(namespace: string): Promise<void> {
    const { cluster, signal } = this.#options;
    if (cluster.foreign === true) return;
    const root = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio-ca-root-cert', namespace } };
    const given = async (): Promise<boolean> => {
      await this.#applied.send([injectedNamespace(namespace)]);
      return await waitFor({
        name: `istiod of ${cluster.name} has put its root certificate into the namespace ${namespace}`,
        where: `cluster ${cluster.name}`,
        within: readyWithin,
        every: 100,
        signal,
        look: async () =>
          (await this.#api.read(root)) === undefined ? notYet('there is no ConfigMap istio-ca-root-cert') : holds(true),
      });
    };
    // Runs that were recorded before did not wait for it.
    await ask(`root certificate in ${namespace} of ${cluster.name}`, given, { lookOnly: true, unasked: true });
  }

  /** Objects that stay, in a namespace with injection whose sidecars find what they mount. */
  async #applyInjected(namespace: string, objects: readonly KubernetesObject[]): Promise<void> {
    await this.#claim(namespace);
    await this.#rooted(namespace);
    await this.#applyForGood([injectedNamespace(namespace), ...objects]);
  }

  async #applyForGood(objects: readonly KubernetesObject[]): Promise<void> {
    for (const object of objects) {
      const namespace = object.metadata.namespace ?? object.metadata.name;
      this.#deployed.set(namespace, [...(this.#deployed.get(namespace) ?? []), object]);
    }
    await this.#applied.send(objects);
  }

  /** The pod of a sample; one of an earlier run that would not be made so any more gives way to one that is. */
  async #pod(
    namespace: string,
    deployment: string,
    labels: string,
  ): Promise<Pick<Awaited<ReturnType<typeof readyPod>>, 'name' | 'address'>> {
    const { cluster, signal } = this.#options;
    const how = { within: readyWithin, signal };
    const ready = async (): ReturnType<typeof readyPod> => {
      await this.#api.waitForDeployment(namespace, deployment, how);
      return await readyPod(this.#api, namespace, labels, how);
    };
    const pod = await ready();
    // Of other people's clusters the right to make pods is not asked.
    if (cluster.foreign === true || new Date(pod.createdAt ?? Date.now()).getTime() >= this.#since) return pod;
    const stale = await ask(
      `what of ${namespace}/${pod.name} of ${cluster.name} would be made in another way now`,
      async () => (await staleness(this.#api, { namespace, name: pod.name, deployment })) ?? '',
      { lookOnly: true, unasked: '' },
    );
    if (stale === '') return pod;
    await this.#api.endPod(namespace, pod.name);
    return await ready();
  }

  async #workload(namespace: string, app: string, version: string | undefined): Promise<Workload> {
    const { cluster, journal } = this.#options;
    const deployment = version === undefined || version === 'v1' ? app : `${app}-${version}`;
    const labels = version === undefined ? `app=${app}` : `app=${app},version=${version}`;
    const { name: pod, address } = await this.#pod(namespace, deployment, labels);
    journal.note({
      cluster: cluster.name,
      command:
        `kubectl get --context=${cluster.name} -n ${namespace} pod -l ${labels} -o ` +
        'jsonpath={.items..metadata.name}',
      output: pod,
    });
    return {
      ...this.#pods.client(this.#pods.container(namespace, pod, app)),
      address,
      proxy: this.#pods.proxy(namespace, pod),
      identity: `spiffe://cluster.local/ns/${namespace}/sa/${app}`,
    };
  }
}
