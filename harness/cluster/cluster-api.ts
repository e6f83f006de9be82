import {
  ApisApi,
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  type KubeConfig,
  KubernetesObjectApi,
  loadYaml,
  makeInformer,
  PatchStrategy,
  VersionApi,
  type V1ContainerStatus,
} from '@kubernetes/client-node';
import pLimit from 'p-limit';
import pRetry from 'p-retry';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import type { ClusterAddress } from './cluster-address.ts';
import { apiClient } from './api-client.ts';
import { apiMessage, isAbsent, isBooting } from './api-errors.ts';
import { fieldManager, isOwn, lentLabel, ownLabels, scenarioLabel } from './labels.ts';
import { deletableKinds, foreignContents, type NamespaceReader } from './namespace-contents.ts';
import { objectName, withLabels, withPodLabels, type KubernetesObject } from './kubernetes-object.ts';
import { OwnedObjects } from './owned-objects.ts';
import { readKubeconfig } from './read-kubeconfig.ts';
import { WriteGuard } from './write-guard.ts';

/**
 * The kinds that scenarios make in clusters of somebody else, where nothing of another kind is applied; they may not
 * list others there.
 */
const scenarioKinds: readonly (readonly [apiVersion: string, kind: string])[] = [
  ['networking.istio.io/v1', 'ServiceEntry'],
  ['networking.istio.io/v1', 'DestinationRule'],
  ['networking.istio.io/v1', 'VirtualService'],
  ['apps/v1', 'Deployment'],
  ['discovery.k8s.io/v1', 'EndpointSlice'],
  ['v1', 'Service'],
  ['v1', 'ServiceAccount'],
];

/** Typed access to one cluster's API server. Each instance has a KubeConfig of its own, never a shared one. */
export class ClusterApi {
  readonly address: ClusterAddress;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly #config: KubeConfig;
  readonly #objects: KubernetesObjectApi;
  readonly #ca: string;
  readonly #discovery: DiscoveryV1Api;
  readonly #version: VersionApi;
  readonly #authorization: AuthorizationV1Api;
  readonly #reader: NamespaceReader;
  /** Set for a cluster that meshproof did not make: the only way by which anything is written there. */
  readonly #owned: OwnedObjects | undefined;

  /** @throws MeshproofError MP504 when the kubeconfig cannot be read, or does not have the context. */
  constructor(address: ClusterAddress) {
    this.address = address;
    const config = readKubeconfig(address);
    this.#config = config;
    this.#ca = Buffer.from(config.getCurrentCluster()?.caData ?? '', 'base64').toString();
    const { name: cluster, owner, foreign } = address;
    const guard = foreign === true ? new WriteGuard(address) : undefined;
    const guards = guard === undefined ? [] : [guard];
    this.#discovery = apiClient(config, DiscoveryV1Api, guards);
    this.core = apiClient(config, CoreV1Api, guards);
    this.apps = apiClient(config, AppsV1Api, guards);
    this.#objects = apiClient(config, KubernetesObjectApi, guards);
    this.#version = apiClient(config, VersionApi, guards);
    this.#authorization = apiClient(config, AuthorizationV1Api, guards);
    this.#reader = {
      apis: apiClient(config, ApisApi, guards),
      custom: apiClient(config, CustomObjectsApi, guards),
      core: this.core,
      objects: this.#objects,
    };
    this.#owned = guard === undefined ? undefined : new OwnedObjects({ cluster, owner, objects: this.#objects, guard });
  }

  /**
   * Asks the API server for its version, e.g. "v1.34.4".
   *
   * @throws MeshproofError MP504 when it does not answer within five seconds.
   */
  async version(): Promise<string> {
    const late = AbortSignal.timeout(5_000);
    const answer = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => {
        reject(new Error('no answer within 5 s'));
      });
    });
    try {
      return (await Promise.race([this.#version.getCode(), answer])).gitVersion;
    } catch (error) {
      throw new MeshproofError('MP504', {
        what: `cluster ${this.address.name} does not answer`,
        where: `context ${this.address.context} of ${this.address.kubeconfig}`,
        seen: apiMessage(error),
        cause: error,
      });
    }
  }

  /**
   * How a pod of this cluster would reach its API server, for a server outside of it that plays one: with the token of
   * a service account.
   */
  async asPod(
    namespace: string,
    serviceAccount: string,
  ): Promise<{ readonly host: string; readonly port: number; readonly token: string; readonly ca: string }> {
    const { items: endpoints } = await this.#discovery.listNamespacedEndpointSlice({
      namespace: 'default',
      labelSelector: 'kubernetes.io/service-name=kubernetes',
    });
    const { status } = await this.core.createNamespacedServiceAccountToken({
      namespace,
      name: serviceAccount,
      body: { spec: { audiences: [], expirationSeconds: 600 } },
    });
    return {
      host: endpoints[0]?.endpoints[0]?.addresses[0] ?? '',
      port: endpoints[0]?.ports?.[0]?.port ?? 0,
      token: status?.token ?? '',
      ca: this.#ca,
    };
  }

  /** Asks the API server whether this user may do something with a resource, in a namespace or in all. */
  async may(
    verb: string,
    resource: { readonly group: string; readonly resource: string },
    namespace?: string,
  ): Promise<boolean> {
    const attributes = { ...resource, verb, ...(namespace === undefined ? {} : { namespace }) };
    const review = await this.#authorization.createSelfSubjectAccessReview({
      body: { spec: { resourceAttributes: attributes } },
    });
    return review.status?.allowed === true;
  }

  /** Asks the API server whether this user may do everything everywhere. */
  async mayDoEverything(): Promise<boolean> {
    const review = await this.#authorization.createSelfSubjectAccessReview({
      body: { spec: { resourceAttributes: { group: '*', resource: '*', verb: '*' } } },
    });
    return review.status?.allowed === true;
  }

  /**
   * Server-side apply of one object with meshproof's field manager and labels. A webhook or API that is still booting
   * is tried again for a minute; a refusal is not.
   *
   * @returns the object as the server has it now
   * @throws MeshproofError MP505 with the server's own words; MP507 for somebody else's object in a cluster of the
   *   user.
   */
  async apply(object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject> {
    const labelled = this.#labelled(object);
    // The client library knows CRDs by its own field names and drops `x-kubernetes-…` of a plain object; its reader
    // translates them.
    const spoken =
      object.kind === 'CustomResourceDefinition' ? loadYaml<KubernetesObject>(JSON.stringify(labelled)) : labelled;
    try {
      if (this.#owned !== undefined) return await this.#owned.apply(spoken, signal);
      return await pRetry(() => this.#force(spoken), {
        retries: 120,
        factor: 1,
        minTimeout: 500,
        maxRetryTime: 60_000,
        shouldRetry: ({ error }) => isBooting(error),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#refused(object, 'was', error);
    }
  }

  /**
   * In a cluster of the user pods carry the labels as well: while a deployment goes, what its controllers made stays
   * for a moment, and nobody is to take that for somebody else's.
   */
  #labelled(object: KubernetesObject): KubernetesObject {
    const labels = ownLabels(this.address.owner);
    return withLabels(this.#owned === undefined ? object : withPodLabels(object, labels), labels);
  }

  async #force(object: KubernetesObject, dryRun?: 'All'): Promise<KubernetesObject> {
    const { ServerSideApply } = PatchStrategy;
    return await this.#objects.patch(object, undefined, dryRun, fieldManager, true, ServerSideApply);
  }

  #refused(object: KubernetesObject, verb: 'was' | 'would be', error: unknown): MeshproofError {
    if (error instanceof MeshproofError) return error;
    return new MeshproofError('MP505', {
      what: `${objectName(object)} ${verb} refused`,
      where: `cluster ${this.address.name}`,
      seen: apiMessage(error),
      cause: error,
    });
  }

  /**
   * Asks the server whether it would take an object, without writing it (server-side dry run).
   *
   * @throws MeshproofError MP505 with the server's own words; MP507 for somebody else's object in a cluster of the
   *   user.
   */
  async wouldApply(object: KubernetesObject): Promise<void> {
    try {
      if (this.#owned === undefined) await this.#force(this.#labelled(object), 'All');
      else await this.#owned.wouldApply(this.#labelled(object));
    } catch (error) {
      throw this.#refused(object, 'would be', error);
    }
  }

  /** Applies many objects: what others need first (namespaces, CRDs), then all the rest side by side. */
  async applyAll(objects: readonly KubernetesObject[], signal?: AbortSignal): Promise<KubernetesObject[]> {
    const limit = pLimit(8);
    const first = objects.filter(({ kind }) => kind === 'Namespace' || kind === 'CustomResourceDefinition');
    const rest = objects.filter((object) => !first.includes(object));
    const replies: KubernetesObject[] = [];
    for (const wave of [first, rest])
      replies.push(...(await Promise.all(wave.map((object) => limit(() => this.apply(object, signal))))));
    return replies;
  }

  /**
   * Deletes an object; absent is fine. In a cluster of the user what is not this owner's stays as it is. Foreground, so
   * that it is gone with its dependents when `waitUntilGone` says so.
   */
  async delete(object: KubernetesObject): Promise<void> {
    if (this.#owned !== undefined) {
      if (object.kind === 'Namespace') await this.#checkContents(object);
      await this.#owned.delete(object);
      return;
    }
    await this.#objects.delete(object).catch((error: unknown) => {
      if (!isAbsent(error)) throw error;
    });
  }

  /** A namespace of this owner goes only when nobody else has anything in it. */
  async #checkContents(namespace: KubernetesObject): Promise<void> {
    const found = await this.read(namespace);
    if (found === undefined || !this.isOwn(found)) return;
    const { owner, name: cluster } = this.address;
    const { foreign, unseen } = await foreignContents(this.#reader, namespace.metadata.name, owner);
    if (foreign.length === 0 && unseen.length === 0) return;
    throw new MeshproofError('MP510', {
      what: `${objectName(namespace)} holds what this environment did not make`,
      where: `cluster ${cluster}`,
      seen: [...foreign, ...unseen.map((kind) => `kind ${kind}, which you may not list`)].join('\n'),
    });
  }

  /** The namespace, its workloads and its Istio objects, each as "Kind namespace/name". */
  async objectsIn(namespace: string): Promise<string[]> {
    const kinds: readonly (readonly [string, string])[] = [
      ['v1', 'Pod'],
      ['v1', 'Service'],
      ['v1', 'ServiceAccount'],
      ['apps/v1', 'Deployment'],
      ['networking.istio.io/v1', 'ServiceEntry'],
      ['networking.istio.io/v1', 'DestinationRule'],
      ['networking.istio.io/v1', 'VirtualService'],
      ['networking.istio.io/v1', 'Gateway'],
    ];
    const lists = await Promise.all(
      kinds.map(async ([apiVersion, kind]) => {
        const { items } = await this.#objects.list<KubernetesObject>(apiVersion, kind, namespace);
        return items.map(({ metadata }) => objectName({ kind, metadata }));
      }),
    );
    const own = await this.read({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    return [...(own === undefined ? [] : [`Namespace ${namespace}`]), ...lists.flat()];
  }

  /**
   * Sees that a namespace is this owner's to make: absent, or made by it before.
   *
   * @throws MeshproofError MP507 for one of somebody else in a cluster of the user.
   */
  async claimNamespace(name: string): Promise<void> {
    await this.#owned?.claim({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }

  /** True for an object that this owner may change and take away. */
  isOwn(object: KubernetesObject): boolean {
    return isOwn(object, this.address.owner);
  }

  /** Selects what this owner made. */
  get #ownSelector(): string {
    return Object.entries(ownLabels(this.address.owner))
      .map((label) => label.join('='))
      .join(',');
  }

  /** The namespaces that this owner made; with a label, those of them that have it as well. */
  async ownNamespaces(label?: string): Promise<string[]> {
    const labelSelector = [this.#ownSelector, ...(label === undefined ? [] : [label])].join(',');
    const { items } = await this.core.listNamespace({ labelSelector });
    return items.flatMap(({ metadata }) => metadata?.name ?? []);
  }

  /**
   * Deletes the namespaces that this owner made. One in which somebody else has something stays, and all that is this
   * owner's in it goes; so does what is in namespaces that were lent.
   *
   * @returns what was deleted, and the refusals of namespaces that stay
   */
  async removeOwnNamespaces(): Promise<{ readonly removed: string[]; readonly staying: MeshproofError[] }> {
    const [removed, staying]: [string[], MeshproofError[]] = [[], []];
    const held: string[] = [];
    for (const name of await this.ownNamespaces()) {
      try {
        await this.delete({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
        removed.push(`Namespace ${name}`);
      } catch (error) {
        if (!(error instanceof MeshproofError) || error.code !== 'MP510') throw error;
        staying.push(error);
        held.push(name);
      }
    }
    const { items: lent } = await this.core.listNamespace({ labelSelector: `${lentLabel}=true` });
    held.push(...lent.flatMap(({ metadata }) => metadata?.name ?? []));
    removed.push(...(await this.#removeSelected(this.#ownSelector, held)));
    return { removed, staying };
  }

  /**
   * Ends a pod at once, without its grace period; one that is gone already is fine.
   *
   * @throws MeshproofError MP507 for a pod of somebody else in a cluster of the user.
   */
  async endPod(namespace: string, name: string): Promise<void> {
    if (this.#owned !== undefined) {
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } };
      await this.#owned.claim(pod);
      await this.#owned.delete(pod, 0);
      return;
    }
    await this.core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 }).catch((error: unknown) => {
      if (!isAbsent(error)) throw error;
    });
  }

  /**
   * Deletes what interrupted scenarios left behind, and names it.
   *
   * @param among namespaces in which it can be; all by default
   */
  async removeLeftovers(among?: readonly string[]): Promise<string[]> {
    return await this.#removeSelected(`${scenarioLabel},${this.#ownSelector}`, among);
  }

  async #removeSelected(selector: string, among?: readonly string[]): Promise<string[]> {
    const kinds =
      among === undefined && this.#owned === undefined
        ? (await deletableKinds(this.#reader)).map(({ apiVersion, kind }) => [apiVersion, kind] as const)
        : scenarioKinds;
    const places = among ?? [undefined];
    const lists = await Promise.all(
      kinds
        .flatMap(([apiVersion, kind]) => places.map((place) => [apiVersion, kind, place] as const))
        .map(async ([apiVersion, kind, place]) => {
          const found = await this.listObjects(apiVersion, kind, selector, place);
          // What a controller made of another object goes with that.
          return found
            .filter(({ metadata: { ownerReferences = [] } }) => ownerReferences.length === 0)
            .map(({ metadata: { name, namespace } }): KubernetesObject => ({
              apiVersion,
              kind,
              metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
            }));
        }),
    );
    // Namespaces and definitions last: with them goes what they hold, and nothing is left to name.
    const last = (kind: string): boolean => kind === 'Namespace' || kind === 'CustomResourceDefinition';
    const left = lists.flat().sort((a, b) => Number(last(a.kind)) - Number(last(b.kind)));
    for (const object of left) await this.delete(object);
    return left.map(objectName);
  }

  /**
   * Waits until a namespace is gone, with all that was in it.
   *
   * @param within milliseconds
   * @param meanwhile done before each look, e.g. to end pods that would drain
   * @throws MeshproofError MP701 when it stays.
   */
  async waitUntilGone(
    name: string,
    {
      meanwhile,
      ...options
    }: { readonly within: number; readonly signal?: AbortSignal | undefined; readonly meanwhile?: () => Promise<void> },
  ): Promise<void> {
    await waitFor({
      name: `namespace ${name} of ${this.address.name} is gone`,
      where: `cluster ${this.address.name}`,
      ...options,
      look: async () => {
        await meanwhile?.();
        return (await this.read({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })) === undefined
          ? holds(undefined)
          : notYet('it is still terminating');
      },
    });
  }

  /**
   * Sets the replicas of a deployment.
   *
   * @throws MeshproofError MP507 for a deployment of somebody else in a cluster of the user.
   */
  async scale(namespace: string, name: string, replicas: number): Promise<void> {
    await this.#owned?.claim({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace } });
    const body = await this.apps.readNamespacedDeploymentScale({ namespace, name });
    if (body.spec !== undefined) body.spec.replicas = replicas;
    await this.apps.replaceNamespacedDeploymentScale({ namespace, name, body });
  }

  /** Ends every pod of a namespace at once. */
  async endPods(namespace: string): Promise<void> {
    const { items } = await this.core.listNamespacedPod({ namespace });
    await Promise.all(items.map(({ metadata }) => this.endPod(namespace, metadata?.name ?? '')));
  }

  /** Deletes the ConfigMaps with a label, in every namespace. */
  async deleteConfigMaps(labelSelector: string): Promise<void> {
    const { items } = await this.core.listConfigMapForAllNamespaces({ labelSelector });
    await Promise.all(
      items.map(({ metadata }) =>
        this.delete({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: metadata?.name ?? '', namespace: metadata?.namespace ?? '' },
        }),
      ),
    );
  }

  /** All objects of a kind in every namespace, or in one, or those with a label. */
  async listObjects(
    apiVersion: string,
    kind: string,
    labelSelector?: string,
    namespace?: string,
  ): Promise<KubernetesObject[]> {
    const { items } = await this.#objects.list<KubernetesObject>(
      apiVersion,
      kind,
      namespace,
      undefined,
      undefined,
      undefined,
      undefined,
      labelSelector,
    );
    return items.map((object) => ({ ...object, apiVersion, kind }));
  }

  /**
   * Hears of every change to the services of this cluster, until the signal aborts. A watch that the server ends after
   * a while, as servers do, is begun anew.
   *
   * @throws MeshproofError MP504 when the server does not answer, refuses the watch, or ends each one at once.
   */
  async watchServices(changed: () => void, signal: AbortSignal): Promise<void> {
    const informer = makeInformer(this.#config, '/api/v1/services', () => this.core.listServiceForAllNamespaces());
    for (const event of ['add', 'update', 'delete'] as const) informer.on(event, changed);
    const failed = new Promise<never>((_, reject) => {
      const fail = (seen: string, cause?: unknown): void => {
        const { name, context } = this.address;
        const what = `cluster ${name} no longer tells of its services`;
        reject(new MeshproofError('MP504', { what, where: `context ${context}`, seen, cause }));
      };
      informer.on('error', (error: unknown) => {
        fail(apiMessage(error), error);
      });
      let last = -Infinity;
      informer.on('connect', () => {
        if (performance.now() - last < 1_000) fail('it ends each watch at once');
        last = performance.now();
      });
    });
    const stopped = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
    try {
      await Promise.race([informer.start().then(() => failed), failed, stopped]);
    } finally {
      await informer.stop();
    }
  }

  /** Reads an object back, undefined when it is not there. */
  async read(object: KubernetesObject): Promise<KubernetesObject | undefined> {
    try {
      return await this.#objects.read<KubernetesObject>(object);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /**
   * Waits until a deployment has rolled out: the controller saw this generation and every replica is updated and
   * available.
   *
   * @param within milliseconds
   * @throws MeshproofError MP701, or `code`, with the pods' last status.
   */
  async waitForDeployment(
    namespace: string,
    name: string,
    options: { readonly within: number; readonly code?: 'MP604' | 'MP701'; readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    await waitFor({
      name: `deployment ${namespace}/${name} of ${this.address.name} is available`,
      where: `cluster ${this.address.name}`,
      every: 200,
      ...options,
      look: async () => {
        const found = await this.apps.readNamespacedDeployment({ namespace, name }).catch((error: unknown) => {
          if (isAbsent(error)) return undefined;
          throw error;
        });
        if (found === undefined) return notYet('there is no such deployment');
        const { metadata, spec, status } = found;
        const wanted = spec?.replicas ?? 1;
        if (status !== undefined && status.observedGeneration === metadata?.generation) {
          const counts = [status.replicas, status.updatedReplicas, status.availableReplicas];
          if (counts.every((count) => (count ?? 0) === wanted)) return holds(undefined);
        }
        return notYet(await this.#podSummary(namespace, spec?.selector.matchLabels ?? {}));
      },
      tolerates: isBooting,
    });
  }

  async #podSummary(namespace: string, labels: Record<string, string>): Promise<string> {
    const labelSelector = Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    const { items } = await this.core.listNamespacedPod({ namespace, labelSelector });
    if (items.length === 0) return 'no pod yet';
    return items
      .map(({ metadata, status }) => {
        const statuses: V1ContainerStatus[] = [
          ...(status?.initContainerStatuses ?? []),
          ...(status?.containerStatuses ?? []),
        ];
        const containers = statuses
          .filter((container) => !container.ready && container.state?.terminated?.exitCode !== 0)
          .map(({ name, state, restartCount }) => {
            const why = state?.waiting?.reason ?? state?.terminated?.reason ?? 'running, not ready';
            const message = state?.waiting?.message ?? state?.terminated?.message;
            return `${name}: ${why}${restartCount > 0 ? `, ${restartCount} restarts` : ''}${message === undefined ? '' : ` (${message})`}`;
          });
        return `pod ${metadata?.name ?? ''} ${status?.phase ?? ''} ${containers.join('; ')}`.trim();
      })
      .join('\n');
  }
}
