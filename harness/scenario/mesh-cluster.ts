import type { ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import type { OwnField } from '../diagnose/situation.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { PodContainer } from '../probe/pod.ts';
import { taped } from '../tape/tape.ts';
import { AppliedObjects } from './applied-objects.ts';
import { ClusterDns } from './cluster-dns.ts';
import { ClusterPods } from './cluster-pods.ts';
import { Gateways } from './gateways.ts';
import { readyWithin, type MeshClusterOptions } from './mesh-cluster-options.ts';
import { MeshLife } from './mesh-life.ts';
import { Samples } from './samples.ts';
import { serviceAddress } from './service-address.ts';
import type { Client, Gateway, Workload } from './workload.ts';

/**
 * One cluster of the mesh, as a scenario sees it. What is applied through it is taken away again when the scenario
 * ends.
 */
export class MeshCluster {
  readonly api: ClusterApi;
  readonly dns: ClusterDns;
  /** The control plane and the gateways themselves: killed, taken away, put back. */
  readonly mesh: MeshLife;
  readonly #options: MeshClusterOptions;
  readonly #applied: AppliedObjects;
  readonly #pods: ClusterPods;
  readonly #samples: Samples;
  readonly #gateways: Gateways;
  /** Fields of objects of others that this scenario set: "Deployment istio-system/istiod spec.replicas" → "2". */
  readonly #set = new Map<string, OwnField>();

  constructor(options: MeshClusterOptions) {
    this.#options = options;
    this.api = taped<ClusterApi>(
      `API of ${options.cluster.name}:`,
      async () => {
        const { ClusterApi: Api } = await import('../cluster/cluster-api.ts');
        return new Api(options.cluster);
      },
      {
        known: { address: options.cluster },
        nested: ['core', 'apps'],
        withheld: ['asPod'],
        lookOnly: (method) => method.startsWith('list'),
      },
    );
    this.#applied = new AppliedObjects(this.api, options);
    this.#pods = new ClusterPods(this.#applied, options);
    this.#samples = new Samples(this.api, this.#applied, this.#pods, options);
    this.#gateways = new Gateways(this.api, this.#pods, options);
    this.dns = new ClusterDns(this.api, (...objects) => this.apply(...objects), options);
    this.mesh = new MeshLife(this.api, options);
  }

  get name(): string {
    return this.#options.cluster.name;
  }

  /** The port of httpbin's container, which depends on the image. */
  get httpbinPort(): number {
    return this.#options.environment.images.httpbinPort;
  }

  /** What this scenario applied here and left, as the server answered. */
  get applied(): readonly KubernetesObject[] {
    return this.#applied.left;
  }

  /** Fields that it set on objects that are not its own, and on its own after it applied them. */
  get ownFields(): readonly OwnField[] {
    return [...this.#set.values(), ...this.dns.ownFields];
  }

  /** Applies objects of this scenario; they are removed when it ends, whatever its verdict. */
  async apply(...objects: readonly KubernetesObject[]): Promise<void> {
    await this.#applied.apply(objects);
  }

  /**
   * Takes away what `apply` made, last first.
   *
   * @throws the first failure, after all of them were tried; at once when the API server does not answer at all (MP504)
   */
  async removeApplied(): Promise<void> {
    await this.#applied.remove();
  }

  /**
   * Deploys samples/sleep into a namespace with injection, and waits until its sidecar serves.
   *
   * @param labels of the pod; `istio-locality` says where it counts as being
   */
  async deploySleep(namespace: string, labels: Readonly<Record<string, string>> = {}): Promise<Workload> {
    return await this.#samples.deploySleep(namespace, labels);
  }

  /** Deploys samples/sleep into a namespace without injection: a client that no sidecar helps. */
  async deployPlainSleep(namespace: string): Promise<Client> {
    return await this.#samples.deployPlainSleep(namespace);
  }

  /** Deploys samples/httpbin into a namespace with injection, and waits until its sidecar serves. */
  async deployHttpbin(namespace: string, version = 'v1'): Promise<Workload> {
    return await this.#samples.deployHttpbin(namespace, version);
  }

  /**
   * Deploys a gRPC server into a namespace with injection, and waits until its sidecar serves: it answers questions of
   * `greetingCall`.
   */
  async deployGreeter(namespace: string): Promise<Workload> {
    const { image } = await this.dns.form();
    return await this.#samples.deployGreeter(namespace, image);
  }

  /** Cleans up as the walkthrough does: what the scenario applied, the workloads of the namespace, the namespace. */
  async removeSample(namespace: string): Promise<void> {
    await this.#samples.removeSample(namespace);
  }

  /**
   * Takes the workloads of its own namespaces away, and does not wait for it: with their sidecars they would take a
   * share of every push, and of the machine, from the scenarios that follow.
   *
   * @param shared namespaces that other scenarios use, too
   */
  async restSamples(shared: ReadonlySet<string>): Promise<void> {
    await this.#samples.rest(shared);
  }

  /** Deletes every namespace whose pods have a sidecar, whichever scenario made it. */
  async removeSamples(): Promise<void> {
    await this.#samples.removeSamples();
  }

  /** Deletes a namespace and waits until it is gone, with all that was in it. */
  async removeNamespace(name: string): Promise<void> {
    await this.#samples.removeNamespace(name);
  }

  /** Sets the replicas of a deployment, and waits until there are as many. */
  async scale(namespace: string, deployment: string, replicas: number): Promise<void> {
    const { signal } = this.#options;
    const own = { cluster: this.name, object: `Deployment ${namespace}/${deployment}`, field: 'spec.replicas' };
    this.#set.set(own.object, { ...own, value: String(replicas) });
    await this.api.scale(namespace, deployment, replicas);
    await this.api.waitForDeployment(namespace, deployment, { within: readyWithin, signal });
    const options = `--context=${this.name} -n ${namespace}`;
    this.#options.journal.note({
      cluster: this.name,
      command: `kubectl scale ${options} deployment ${deployment} --replicas=${replicas}`,
      output: `deployment.apps/${deployment} scaled`,
    });
  }

  /** The cluster IP of a service, and the name under which it resolves. */
  async service(namespace: string, name: string): Promise<{ readonly address: string; readonly hostname: string }> {
    return await serviceAddress(this.api, this.#options, namespace, name);
  }

  /** The gateway that peers call (walkthrough: `CLUSTER2_GW_ADDR`, port 15443). */
  async ingressGateway(): Promise<Gateway> {
    return await this.#gateways.ingress();
  }

  /** The gateway through which traffic leaves, by its cluster IP (walkthrough: `CLUSTER1_EGW_ADDR`). */
  async egressGateway(): Promise<Gateway & { readonly hostname: string }> {
    return await this.#gateways.egress();
  }

  /** Whether the mesh has an egress gateway at all: on clusters that the user owns it may not. */
  async hasEgressGateway(): Promise<boolean> {
    return await this.#gateways.hasEgress();
  }

  /** A node's address and the node port of 15443 of the ingress gateway (walkthrough: the NodePort tip). */
  async nodePort(): Promise<{ readonly address: string; readonly port: number }> {
    return await this.#gateways.nodePort();
  }

  /** The cluster's own identity: the UID of its kube-system namespace, which no two clusters share. */
  async uid(): Promise<string> {
    const { metadata } = await this.api.core.readNamespace({ name: 'kube-system' });
    return metadata?.uid ?? '';
  }

  /** True when the user may do everything with everything, as `kubectl auth can-i '*' '*' --all-namespaces` asks. */
  async mayDoEverything(): Promise<boolean> {
    const may = await this.api.mayDoEverything();
    if (!may && this.#options.cluster.foreign === true)
      throw new MeshproofError('MP708', {
        what:
          'asks for a cluster-admin, who installs meshes; where the mesh is there already this user need not be ' +
          'one',
      });
    return may;
  }

  /** Everything of a namespace that the walkthrough could have made there, by name; the namespace itself included. */
  async objectsIn(namespace: string): Promise<string[]> {
    return await this.api.objectsIn(namespace);
  }

  /** A container of a pod, for probes in a container of one's own choice. */
  container(namespace: string, pod: string, container: string): PodContainer {
    return this.#pods.container(namespace, pod, container);
  }

  /**
   * Begins to watch whether all that this scenario applied here has reached a proxy, or every proxy of the cluster.
   *
   * @param pod of the proxy
   */
  delivered(pod?: string): () => Promise<boolean> {
    return this.#pods.delivered(pod);
  }
}
