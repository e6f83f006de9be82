import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ClusterApi } from '../cluster/cluster-api.ts';
import { kubectl as lines } from '../cluster/kubectl-lines.ts';
import { everything } from '../cluster/everything.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { CaCerts } from '../mesh/ca-certs.ts';
import { applyMesh, gatewayAddress, readCaSecret, removeMesh, waitForGateways } from '../mesh/install.ts';
import { systemNamespace } from '../mesh/operator.ts';
import { waitForProxiesSynced } from '../mesh/readiness.ts';
import { topologyNamed } from '../mesh/topologies/registry.ts';
import type { Topology } from '../mesh/topologies/topology.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { ask } from '../tape/tape.ts';
import type { Environment, EnvironmentCluster } from './environment.ts';
import type { Journal } from './journal.ts';
import { isServing } from './ready-pod.ts';

export interface MeshLifeOptions {
  readonly environment: Environment;
  readonly cluster: EnvironmentCluster;
  readonly journal: Journal;
  readonly signal: AbortSignal;
}

/** A mesh that was taken away, to put it back as it was. */
interface Uninstalled {
  readonly authority: CaCerts;
  readonly manifest: readonly KubernetesObject[];
}

const readyWithin = 120_000;

/** One cluster's control plane and gateways: they can be killed, taken away and put back. */
export class MeshLife {
  readonly #api: ClusterApi;
  readonly #options: MeshLifeOptions;

  #gone = false;
  /** What was taken away, or began to be; undefined before and afterwards. */
  #uninstalled: Uninstalled | undefined;

  constructor(api: ClusterApi, options: MeshLifeOptions) {
    this.#api = api;
    this.#options = options;
  }

  /** Whether the scenario has taken the mesh away: nothing is as it was then, and none of it explains a failure. */
  get isGone(): boolean {
    return this.#gone;
  }

  /**
   * Kills one pod of a component without grace, as a lost node would, and returns its name. Its deployment starts
   * another.
   *
   * @param component `istiod`, or a gateway by its name: the label `app` of its pods
   */
  async kill(component: string): Promise<string> {
    const { items } = await this.#api.core.listNamespacedPod({
      namespace: systemNamespace,
      labelSelector: `app=${component}`,
    });
    const pod = items.find(
      ({ metadata, status }) => metadata?.deletionTimestamp === undefined && status?.phase === 'Running',
    )?.metadata?.name;
    if (pod === undefined)
      throw new MeshproofError('MP702', { what: `no running pod of ${component} to kill`, where: this.#where });
    await this.#api.endPod(systemNamespace, pod);
    this.#options.journal.note({
      cluster: this.#api.address.name,
      command:
        `kubectl delete pod --context=${this.#api.address.name} -n ${systemNamespace} ${pod} --grace-period=0 ` +
        '--force',
      output: `pod "${pod}" force deleted`,
    });
    return pod;
  }

  /**
   * Waits until a pod that was killed is gone, and its deployment has as many pods that serve as it should.
   *
   * @param component the label `app` of its pods, which is the deployment's name as well
   * @param killed name of the pod, as `kill` returned it
   */
  async replaced(component: string, killed: string): Promise<void> {
    const { signal } = this.#options;
    const there = { namespace: systemNamespace };
    const replacing = (): Promise<string[]> =>
      waitFor({
        name: `${component} has another pod in the place of ${killed}`,
        where: this.#where,
        code: 'MP604',
        within: readyWithin,
        every: 300,
        signal,
        look: async () => {
          const { spec } = await this.#api.apps.readNamespacedDeployment({ ...there, name: component });
          const { items } = await this.#api.core.listNamespacedPod({ ...there, labelSelector: `app=${component}` });
          const ready = items.filter((pod) => pod.metadata?.name !== killed && isServing(pod));
          const wanted = spec?.replicas ?? 1;
          const names = ready.map(({ metadata }) => metadata?.name ?? '');
          return ready.length === wanted ? holds(names) : notYet(`${ready.length} of ${wanted} pods are ready`);
        },
      });
    // Runs that were recorded before went on at once.
    await ask(`replacement of a killed pod of ${component} of ${this.#api.address.name}`, replacing, { unasked: [] });
  }

  /** Waits until the control plane is whole again, and every proxy connected to it and up to date. */
  async recovered(): Promise<void> {
    const { environment, cluster, signal } = this.#options;
    const { gateways } = this.#topology;
    await this.#api.waitForDeployment(systemNamespace, 'istiod', { within: readyWithin, code: 'MP604', signal });
    await waitForProxiesSynced(environment.programs.kubectl, cluster, { within: readyWithin, signal, gateways });
  }

  /**
   * Uninstalls the control plane and the gateways (walkthrough: "Uninstalling"): every object of the manifest that
   * installed them, the namespace, and the root certificates that istiod left in all other namespaces.
   *
   * @returns how many objects the manifest has
   */
  async uninstall(): Promise<number> {
    const { cluster, journal } = this.#options;
    const manifest = await this.#manifest();
    const authority = await ask(`secret cacerts of ${cluster.name}`, () => readCaSecret(this.#api), {
      keep: () => ({}),
    });
    this.#gone = true;
    this.#uninstalled = { authority, manifest };
    const removed = await ask(
      `removal of the mesh of ${cluster.name}`,
      () => removeMesh(this.#api, manifest, this.#topology, readyWithin, this.#options.signal),
      { keep: identities },
    );
    journal.note({
      cluster: cluster.name,
      command: `kubectl delete --context=${cluster.name} -f istio.yaml`,
      output: removed.map((object) => lines.delete(cluster.name, object).output).join('\n'),
    });
    journal.note({
      cluster: cluster.name,
      ...lines.delete(cluster.name, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } }),
    });
    return manifest.length;
  }

  /**
   * Installs what was uninstalled, whole or half, and waits until it serves as before. Does nothing where nothing was
   * taken away.
   */
  async reinstall(): Promise<void> {
    if (this.#uninstalled === undefined) return;
    const { authority, manifest } = this.#uninstalled;
    const { environment, cluster, signal } = this.#options;
    const topology = this.#topology;
    const { gateways } = topology;
    await ask(
      `installation of the mesh of ${cluster.name}`,
      async () => {
        // An uninstallation that ended half-way left a namespace on its way out, which would take all of it along.
        await this.#api.claimNamespace(systemNamespace);
        return await applyMesh(this.#api, manifest, authority, topology, signal);
      },
      { keep: identities },
    );
    this.#gone = false;
    this.#uninstalled = undefined;
    await waitForGateways(this.#api, { within: readyWithin, signal, gateways });
    await gatewayAddress(this.#api, topology.ingressGateway, { within: readyWithin, signal });
    await waitForProxiesSynced(environment.programs.kubectl, cluster, { within: readyWithin, signal, gateways });
  }

  /**
   * Everything in the cluster, of whatever kind, that is Istio's by its name, its namespace, its API group or its
   * labels. Empty after an uninstallation without a trace.
   */
  async traces(): Promise<string[]> {
    return (await everything(this.#options.environment.programs.kubectl, this.#options.cluster))
      .filter(isIstios)
      .map(({ name }) => name)
      .sort();
  }

  /** The same, once there is nothing: what is on its way out gets its time. */
  async leavesNoTrace(): Promise<void> {
    await waitFor({
      name: `nothing of Istio is left in ${this.#api.address.name}`,
      where: this.#where,
      within: 30_000,
      signal: this.#options.signal,
      look: async () => {
        const left = await this.traces();
        return left.length === 0 ? holds(undefined) : notYet(`${left.length} objects: ${left.slice(0, 12).join(', ')}`);
      },
      // A kind that goes away between its discovery and its list.
      tolerates: (error) => error instanceof MeshproofError && error.code === 'MP702',
    });
  }

  get #topology(): Topology {
    return topologyNamed(this.#options.environment.topology);
  }

  get #where(): string {
    return `cluster ${this.#api.address.name}`;
  }

  async #manifest(): Promise<KubernetesObject[]> {
    const file = this.#options.cluster.manifest;
    if (file === undefined)
      throw new MeshproofError('MP708', {
        what: 'this mesh was not installed by meshproof, which therefore does not take it away',
        where: this.#where,
      });
    const read = async (): Promise<KubernetesObject[]> =>
      z
        .array(
          z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: z.looseObject({ name: z.string() }) }),
        )
        .parse(JSON.parse(await readFile(file, 'utf8')));
    return await ask(`manifest of the mesh of ${this.#api.address.name}`, read, { keep: identities });
  }
}

/** What objects are, without what is in them. */
const identities = (objects: readonly KubernetesObject[]): object[] =>
  objects.map(({ apiVersion, kind, metadata: { name, namespace } }) => ({
    apiVersion,
    kind,
    metadata: { name, namespace },
  }));

function isIstios({
  name,
  labels,
}: {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}): boolean {
  return (
    /istio|cacerts/.test(name) ||
    Object.entries(labels).some((label) => label.join('=').includes('istio') && label[0] !== 'istio-injection')
  );
}
