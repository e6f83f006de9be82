import pRetry from 'p-retry';
import { isBooting } from '../cluster/api-errors.ts';
import type { ClusterApi } from '../cluster/cluster-api.ts';
import { kubectl as lines } from '../cluster/kubectl-lines.ts';
import { objectName, withLabels, type KubernetesObject } from '../cluster/kubernetes-object.ts';
import { scenarioLabel } from '../cluster/labels.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { TakenObject } from '../mesh/delivery.ts';
import { forOwnSidecars } from '../mesh/own-sidecars.ts';
import { checkDeclared } from './declared.ts';
import type { MeshClusterOptions } from './mesh-cluster-options.ts';

/** A connection that broke, or an API server that restarts, is tried again for half a minute; in milliseconds. */
const soon = { retries: 20, factor: 1.5, minTimeout: 200, maxTimeout: 2_000, maxRetryTime: 30_000 } as const;

/** What one scenario applies to one cluster, until it is deleted again. */
export class AppliedObjects {
  readonly #api: ClusterApi;
  readonly #options: MeshClusterOptions;
  #applied: KubernetesObject[] = [];
  /** What this scenario applied and did not delete again, as the server had it. */
  readonly #left = new Map<string, KubernetesObject>();

  constructor(api: ClusterApi, options: MeshClusterOptions) {
    this.#api = api;
    this.#options = options;
  }

  /** What was applied and is still there, as the server answered. */
  get left(): readonly KubernetesObject[] {
    return [...this.#left.values()];
  }

  /** The Istio objects among these, in the version that the API server gave them. */
  get takenByTheMesh(): TakenObject[] {
    return this.left
      .filter(({ apiVersion }) => apiVersion.includes('.istio.io/'))
      .map(({ kind, metadata: { namespace = '', name, uid = '', generation = 0 } }) => ({
        kind,
        namespace,
        name,
        uid,
        generation,
      }));
  }

  /** Applies objects of the scenario; they are removed when it ends, whatever its verdict. */
  async apply(objects: readonly KubernetesObject[]): Promise<void> {
    if (objects.length === 0) return;
    const { cluster, scenario, evidence } = this.#options;
    const spoken = cluster.foreign === true ? objects.map(forOwnSidecars) : objects;
    this.#applied.push(...spoken);
    const labels = { [scenarioLabel]: scenario.replaceAll('/', '.') };
    await this.send(spoken.map((object) => withLabels(object, labels)));
    for (const object of spoken) await evidence.keepManifest(cluster.name, object);
  }

  /** Applies objects that stay when the scenario ends. */
  async send(objects: readonly KubernetesObject[]): Promise<void> {
    const { cluster, scenario, needs, signal, journal } = this.#options;
    if (cluster.foreign === true) for (const object of objects) checkDeclared(scenario, object, needs);
    const replies = await this.#api.applyAll(objects, signal);
    for (const reply of replies) this.#left.set(objectName(reply), reply);
    journal.note({ cluster: cluster.name, ...lines.apply(cluster.name, objects, replies) });
  }

  /**
   * Takes away what `apply` made, last first. An object stays on the list until it is deleted, so that one connection
   * that breaks strands none of the others, and what could not be deleted can be tried once more.
   *
   * @throws the first failure, after all of them were tried; at once when the API server does not answer at all (MP504)
   */
  async remove(): Promise<void> {
    const failures: unknown[] = [];
    for (const object of [...this.#applied].reverse()) {
      try {
        await pRetry(() => this.delete(object), { ...soon, shouldRetry: ({ error }) => isBooting(error) });
        this.#applied = this.#applied.filter((other) => other !== object);
      } catch (error) {
        failures.push(error);
        if (error instanceof MeshproofError && error.code === 'MP504') break;
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Deletes one object; absent is fine. */
  async delete(object: KubernetesObject): Promise<void> {
    const { cluster, journal } = this.#options;
    await this.#api.delete(object);
    this.#left.delete(objectName(object));
    journal.note({ cluster: cluster.name, ...lines.delete(cluster.name, object) });
  }
}
