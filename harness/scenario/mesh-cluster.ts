import pRetry from 'p-retry';
import { isBooting } from '../cluster/api-errors.ts';
import type { ClusterApi } from '../cluster/cluster-api.ts';
import { scenarioLabel } from '../cluster/labels.ts';
import { kubectl as lines } from '../cluster/kubectl-lines.ts';
import { objectName, withLabels, type KubernetesObject } from '../cluster/kubernetes-object.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { httpbin, injectedNamespace, sleep } from '../cluster/workloads.ts';
import { gatewayAddress, hasEgressGateway } from '../mesh/install.ts';
import { eastWestPort, systemNamespace } from '../mesh/operator.ts';
import { forOwnSidecars } from '../mesh/own-sidecars.ts';
import type { OwnField } from '../diagnose/situation.ts';
import { topologyNamed } from '../mesh/topologies/registry.ts';
import { delivered, istiodHolds, type TakenObject } from '../mesh/delivery.ts';
import { proxySyncs, pushesOf } from '../mesh/readiness.ts';
import type { PodContainer } from '../probe/pod.ts';
import type { Concerned } from '../probe/envoy/own-part.ts';
import { Proxy } from '../probe/proxy.ts';
import { taped } from '../tape/tape.ts';
import { ClusterDns } from './cluster-dns.ts';
import { checkDeclared, type Declared } from './declared.ts';
import type { Environment, EnvironmentCluster } from './environment.ts';
import type { Evidence } from './evidence.ts';
import type { Journal } from './journal.ts';
import { MeshLife } from './mesh-life.ts';
import { readyPod } from './ready-pod.ts';
import { clientIn, type Client, type Gateway, type Workload } from './workload.ts';

export interface MeshClusterOptions {
  /** Id of the scenario that it is played by. */
  readonly scenario: string;
  /** What it said that it makes: namespaces, hosts. */
  readonly needs: Declared;
  readonly environment: Environment;
  readonly cluster: EnvironmentCluster;
  readonly evidence: Evidence;
  readonly journal: Journal;
  readonly signal: AbortSignal;
}

const readyWithin = 60_000;
/** A connection that broke, or an API server that restarts, is tried again for half a minute; in milliseconds. */
const soon = { retries: 20, factor: 1.5, minTimeout: 200, maxTimeout: 2_000, maxRetryTime: 30_000 } as const;

/**
 * One cluster of the mesh, as a scenario sees it. What is applied through it is taken away again when the scenario
 * ends.
 */
export class MeshCluster {
  readonly api: ClusterApi;
  readonly #options: MeshClusterOptions;
  readonly dns: ClusterDns;
  /** The control plane and the gateways themselves: killed, taken away, put back. */
  readonly mesh: MeshLife;
  #applied: KubernetesObject[] = [];
  /** What this scenario applied and did not delete again, as the server had it. */
  readonly #left = new Map<string, KubernetesObject>();
  /** Fields of objects of others that this scenario set: "Deployment istio-system/istiod spec.replicas" → "2". */
  readonly #set = new Map<string, OwnField>();
  /** Namespace → the sample workloads that stay when the scenario ends. */
  readonly #deployed = new Map<string, KubernetesObject[]>();

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
    this.dns = new ClusterDns(this.api, (...objects) => this.apply(...objects), options.journal, options.signal);
    this.mesh = new MeshLife(this.api, options);
  }

  /** What this scenario applied here and left, as the server answered. */
  get applied(): readonly KubernetesObject[] {
    return [...this.#left.values()];
  }

  /** Fields that it set on objects that are not its own, and on its own after it applied them. */
  get ownFields(): readonly OwnField[] {
    return [...this.#set.values(), ...this.dns.ownFields];
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
    if (objects.length === 0) return;
    const spoken = this.#options.cluster.foreign === true ? objects.map(forOwnSidecars) : objects;
    this.#applied.push(...spoken);
    const labels = { [scenarioLabel]: this.#options.scenario.replaceAll('/', '.') };
    await this.#send(spoken.map((object) => withLabels(object, labels)));
    for (const object of spoken) await this.#options.evidence.keepManifest(this.name, object);
  }

  /** A namespace that nobody was told about would surprise the owner of the cluster. */
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
    await this.api.claimNamespace(namespace);
  }

  /** Applies objects that stay when the scenario ends: the sample workloads, which scenarios share. */
  async #applyForGood(objects: readonly KubernetesObject[]): Promise<void> {
    for (const object of objects) {
      const namespace = object.metadata.namespace ?? object.metadata.name;
      this.#deployed.set(namespace, [...(this.#deployed.get(namespace) ?? []), object]);
    }
    await this.#send(objects);
  }

  async #send(objects: readonly KubernetesObject[]): Promise<void> {
    const { cluster, scenario, needs } = this.#options;
    if (cluster.foreign === true) for (const object of objects) checkDeclared(scenario, object, needs);
    const replies = await this.api.applyAll(objects, this.#options.signal);
    for (const reply of replies) this.#left.set(objectName(reply), reply);
    this.#options.journal.note({ cluster: this.name, ...lines.apply(this.name, objects, replies) });
  }

  /**
   * Takes away what `apply` made, last first. An object stays on the list until it is deleted, so that one connection
   * that breaks strands none of the others, and what could not be deleted can be tried once more.
   *
   * @throws the first failure, after all of them were tried; at once when the API server does not answer at all (MP504)
   */
  async removeApplied(): Promise<void> {
    const failures: unknown[] = [];
    for (const object of [...this.#applied].reverse()) {
      try {
        await pRetry(() => this.#delete(object), { ...soon, shouldRetry: ({ error }) => isBooting(error) });
        this.#applied = this.#applied.filter((other) => other !== object);
      } catch (error) {
        failures.push(error);
        if (error instanceof MeshproofError && error.code === 'MP504') break;
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async #delete(object: KubernetesObject): Promise<void> {
    await this.api.delete(object);
    this.#left.delete(objectName(object));
    this.#options.journal.note({ cluster: this.name, ...lines.delete(this.name, object) });
  }

  /**
   * Deploys samples/sleep into a namespace with injection, and waits until its sidecar serves.
   *
   * @param labels of the pod; `istio-locality` says where it counts as being
   */
  async deploySleep(namespace: string, labels: Readonly<Record<string, string>> = {}): Promise<Workload> {
    const { images, topology } = this.#options.environment;
    const annotations = { ...topologyNamed(topology).clientAnnotations };
    await this.#claim(namespace);
    await this.#applyForGood([
      injectedNamespace(namespace),
      ...sleep({ namespace, image: images.curl, annotations, labels }),
    ]);
    return await this.#workload(namespace, 'sleep', undefined);
  }

  /** Deploys samples/sleep into a namespace without injection: a client that no sidecar helps. */
  async deployPlainSleep(namespace: string): Promise<Client> {
    const { environment, signal } = this.#options;
    await this.#claim(namespace);
    await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await this.#applyForGood(sleep({ namespace, image: environment.images.curl, annotations: {} }));
    await this.api.waitForDeployment(namespace, 'sleep', { within: readyWithin, signal });
    return this.#client(this.container(namespace, 'deploy/sleep', 'sleep'));
  }

  /** Deploys samples/httpbin into a namespace with injection, and waits until its sidecar serves. */
  async deployHttpbin(namespace: string, version = 'v1'): Promise<Workload> {
    const { httpbin: image, httpbinPort: port } = this.#options.environment.images;
    const objects = httpbin({ namespace, image, port, version });
    await this.#claim(namespace);
    const passing = objects.filter(({ kind }) => kind === 'Deployment' && version !== 'v1');
    await this.#applyForGood([injectedNamespace(namespace), ...objects.filter((object) => !passing.includes(object))]);
    // Another version shares account and Service with the first; its deployment goes when the scenario ends.
    await this.apply(...passing);
    return await this.#workload(namespace, 'httpbin', version);
  }

  /** Cleans up as the walkthrough does: what the scenario applied, the workloads of the namespace, the namespace. */
  async removeSample(namespace: string): Promise<void> {
    await this.removeApplied();
    const deployed = this.#deployed.get(namespace) ?? [];
    for (const object of deployed.filter(({ kind }) => kind !== 'Namespace').reverse()) await this.#delete(object);
    await this.removeNamespace(namespace);
  }

  /**
   * Takes the workloads of its own namespaces away, and does not wait for it: with their sidecars they would take a
   * share of every push, and of the machine, from the scenarios that follow.
   *
   * @param shared namespaces that other scenarios use, too
   */
  async restSamples(shared: ReadonlySet<string>): Promise<void> {
    for (const [namespace, objects] of this.#deployed)
      if (!shared.has(namespace))
        for (const object of objects.filter(({ kind }) => kind === 'Deployment')) await this.#delete(object);
  }

  /** Deletes every namespace whose pods have a sidecar, whichever scenario made it. */
  async removeSamples(): Promise<void> {
    const names = await this.api.ownNamespaces('istio-injection=enabled');
    await Promise.all(names.map((name) => this.removeNamespace(name)));
  }

  /** Sets the replicas of a deployment, and waits until there are as many. */
  async scale(namespace: string, deployment: string, replicas: number): Promise<void> {
    const { signal } = this.#options;
    const own = { cluster: this.name, object: `Deployment ${namespace}/${deployment}`, field: 'spec.replicas' };
    this.#set.set(own.object, { ...own, value: String(replicas) });
    await this.api.scale(namespace, deployment, replicas);
    await this.api.waitForDeployment(namespace, deployment, { within: readyWithin, signal });
    const command = `kubectl scale --context=${this.name} -n ${namespace} deployment ${deployment} --replicas=${replicas}`;
    this.#options.journal.note({ cluster: this.name, command, output: `deployment.apps/${deployment} scaled` });
  }

  /** The cluster IP of a service, and the name under which it resolves. */
  async service(namespace: string, name: string): Promise<{ readonly address: string; readonly hostname: string }> {
    const { spec } = await this.api.core.readNamespacedService({ namespace, name });
    const address = spec?.clusterIP ?? '';
    this.#options.journal.note({
      cluster: this.name,
      command: `kubectl get --context=${this.name} -n ${namespace} svc ${name} -o jsonpath={.spec.clusterIP}`,
      output: address,
    });
    return { address, hostname: `${name}.${namespace}.svc.cluster.local` };
  }

  /** The gateway that peers call (walkthrough: `CLUSTER2_GW_ADDR`, port 15443). */
  async ingressGateway(): Promise<Gateway> {
    const { signal, journal } = this.#options;
    const { address } = await gatewayAddress(this.api, { within: readyWithin, signal });
    journal.note({
      cluster: this.name,
      command: `kubectl get --context=${this.name} -n ${systemNamespace} svc istio-ingressgateway -o jsonpath='{.status.loadBalancer.ingress[0]}'`,
      output: address,
    });
    return await this.#gateway('istio-ingressgateway', address);
  }

  /** The gateway through which traffic leaves, by its cluster IP (walkthrough: `CLUSTER1_EGW_ADDR`). */
  async egressGateway(): Promise<Gateway & { readonly hostname: string }> {
    const { address, hostname } = await this.service(systemNamespace, 'istio-egressgateway');
    return { ...(await this.#gateway('istio-egressgateway', address)), hostname };
  }

  /** Whether the mesh has an egress gateway at all: on clusters of the user it may not. */
  async hasEgressGateway(): Promise<boolean> {
    return await hasEgressGateway(this.api);
  }

  /**
   * Where the ingress gateway answers without a load balancer: a node's address and the node port of 15443
   * (walkthrough: the NodePort tip).
   */
  async nodePort(): Promise<{ readonly address: string; readonly port: number }> {
    const [{ items: nodes }, { spec }] = await Promise.all([
      this.api.core.listNode(),
      this.api.core.readNamespacedService({ namespace: systemNamespace, name: 'istio-ingressgateway' }),
    ]);
    const address = nodes[0]?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
    return { address, port: spec?.ports?.find(({ port }) => port === eastWestPort)?.nodePort ?? 0 };
  }

  async #gateway(app: string, address: string): Promise<Gateway> {
    const { name: pod } = await readyPod(this.api, systemNamespace, `app=${app}`, {
      within: readyWithin,
      signal: this.#options.signal,
    });
    const client = this.#client(this.container(systemNamespace, pod, 'istio-proxy'));
    return {
      proxy: this.#proxy(systemNamespace, pod),
      address,
      port: eastWestPort,
      topology: this.#options.environment.topology,
      curl: (url, options) => client.curl(url, options),
    };
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
        what: 'asks for a cluster-admin, who installs meshes; where the mesh is there already this user need not be one',
      });
    return may;
  }

  /** Deletes a namespace and waits until it is gone, with all that was in it. */
  async removeNamespace(name: string): Promise<void> {
    await this.#delete({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await this.api.waitUntilGone(name, { within: readyWithin, signal: this.#options.signal });
  }

  /** Everything of a namespace that the walkthrough could have made there, by name; the namespace itself included. */
  async objectsIn(namespace: string): Promise<string[]> {
    return await this.api.objectsIn(namespace);
  }

  /** A sidecar-less look at where the workload runs, for probes in a container of one's own choice. */
  container(namespace: string, pod: string, container: string): PodContainer {
    const { cluster } = this.#options;
    return {
      cluster: cluster.name,
      kubeconfig: cluster.kubeconfig,
      context: cluster.context,
      namespace,
      pod,
      container,
    };
  }

  async #workload(namespace: string, app: string, version: string | undefined): Promise<Workload> {
    const { signal, journal } = this.#options;
    const deployment = version === undefined || version === 'v1' ? app : `${app}-${version}`;
    await this.api.waitForDeployment(namespace, deployment, { within: readyWithin, signal });
    const labels = version === undefined ? `app=${app}` : `app=${app},version=${version}`;
    const { name: pod, address } = await readyPod(this.api, namespace, labels, { within: readyWithin, signal });
    journal.note({
      cluster: this.name,
      command: `kubectl get --context=${this.name} -n ${namespace} pod -l ${labels} -o jsonpath={.items..metadata.name}`,
      output: pod,
    });
    return {
      ...this.#client(this.container(namespace, pod, app)),
      address,
      proxy: this.#proxy(namespace, pod),
      identity: `spiffe://cluster.local/ns/${namespace}/sa/${app}`,
    };
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
      () => istiodHolds(kubectl, cluster, this.#takenByTheMesh()),
      async () =>
        (await proxySyncs(kubectl, cluster)).filter(
          ({ proxy = '' }) => pod === undefined || proxy.startsWith(`${pod}.`),
        ),
    );
    // That nobody can tell only means that whoever waits does so for the whole time.
    return () => settled().catch(() => false);
  }

  /** The Istio objects that this scenario applied here, in the version that the API server gave them. */
  #takenByTheMesh(): TakenObject[] {
    return this.applied
      .filter(({ apiVersion }) => apiVersion.includes('.istio.io/'))
      .map(({ kind, metadata: { namespace = '', name, uid = '', generation = 0 } }) => ({
        kind,
        namespace,
        name,
        uid,
        generation,
      }));
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

  #client(from: PodContainer): Client {
    const { environment, journal, signal } = this.#options;
    return clientIn(from, environment.programs.kubectl, journal, signal);
  }

  #proxy(namespace: string, pod: string): Proxy {
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
}
