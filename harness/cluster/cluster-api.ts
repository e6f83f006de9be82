import {
  ApisApi,
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  KubernetesObjectApi,
  loadYaml,
  VersionApi,
} from '@kubernetes/client-node';
import pLimit from 'p-limit';
import pRetry from 'p-retry';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { ClusterAddress } from './cluster-address.ts';
import { apiClient } from './api-client.ts';
import { apiMessage, isAbsent, isConflict } from './api-errors.ts';
import { isOwn, ownLabels } from './labels.ts';
import { deploymentIsAvailable, namespaceIsGone, type GoneOptions, type RolloutOptions } from './cluster-waits.ts';
import { MadeClusterWriter } from './made-cluster-writer.ts';
import { deletableKinds, type NamespaceReader } from './namespace-contents.ts';
import { namedContents } from './named-contents.ts';
import { objectName, withLabels, type KubernetesObject } from './kubernetes-object.ts';
import { writePatience, type ObjectWriter } from './object-writer.ts';
import { OwnedObjects } from './owned-objects.ts';
import { readKubeconfig } from './read-kubeconfig.ts';
import { WriteGuard } from './write-guard.ts';

/** How long a namespace may take to go, with the pods in it, in milliseconds. */
const namespaceGoesWithin = 60_000;

/** Typed access to one cluster's API server. Each instance has a KubeConfig of its own, never a shared one. */
export class ClusterApi {
  readonly address: ClusterAddress;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly #objects: KubernetesObjectApi;
  readonly #ca: string;
  readonly #discovery: DiscoveryV1Api;
  readonly #version: VersionApi;
  readonly #authorization: AuthorizationV1Api;
  readonly #reader: NamespaceReader;
  /** The only way by which objects are written. */
  readonly #writer: ObjectWriter;

  /** @throws MeshproofError MP504 when the kubeconfig cannot be read, or does not have the context. */
  constructor(address: ClusterAddress) {
    this.address = address;
    const config = readKubeconfig(address);
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
    const [objects, reader] = [this.#objects, this.#reader];
    this.#writer =
      guard === undefined
        ? new MadeClusterWriter(objects)
        : new OwnedObjects({ cluster, owner, objects, reader, guard });
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
      return await this.#writer.apply(spoken, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#refused(object, 'was', error);
    }
  }

  #labelled(object: KubernetesObject): KubernetesObject {
    return withLabels(object, ownLabels(this.address.owner));
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
      await this.#writer.wouldApply(this.#labelled(object));
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
   * Deletes an object; absent is fine. In a cluster that the user owns what is not this owner's stays as it is.
   *
   * @throws MeshproofError MP510 for a namespace there that holds what somebody else made.
   */
  async delete(object: KubernetesObject): Promise<void> {
    await this.#writer.delete(object);
  }

  /** The namespace, its workloads and its Istio objects, each as "Kind namespace/name". */
  async objectsIn(namespace: string): Promise<string[]> {
    return await namedContents(this, namespace);
  }

  /**
   * Checks that a namespace is this owner's to make: absent, or made by it before. One that is on its way out, of a
   * scenario that has just ended, takes nothing new: this comes once it is gone.
   *
   * @throws MeshproofError MP507 for one of somebody else in a cluster that the user owns; MP701 for one that does not
   *   go.
   */
  async claimNamespace(name: string): Promise<void> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await this.#writer.claim(namespace);
    const there = await this.read(namespace);
    if (there?.metadata.deletionTimestamp !== undefined)
      await this.waitUntilGone(name, { within: namespaceGoesWithin });
  }

  /** True for an object that this owner may change and take away. */
  isOwn(object: KubernetesObject): boolean {
    return isOwn(object, this.address.owner);
  }

  /** Selects what this owner made. */
  get ownSelector(): string {
    return Object.entries(ownLabels(this.address.owner))
      .map((label) => label.join('='))
      .join(',');
  }

  /** The kinds of which this user may list and delete objects. */
  async deletableKinds(): Promise<Awaited<ReturnType<typeof deletableKinds>>> {
    return await deletableKinds(this.#reader);
  }

  /** The namespaces that this owner made; with a label, those of them that have it as well. */
  async ownNamespaces(label?: string): Promise<string[]> {
    const labelSelector = [this.ownSelector, ...(label === undefined ? [] : [label])].join(',');
    const { items } = await this.core.listNamespace({ labelSelector });
    return items.flatMap(({ metadata }) => metadata?.name ?? []);
  }

  /**
   * Ends a pod at once, without its grace period; one that is gone already is fine.
   *
   * @throws MeshproofError MP507 for a pod of somebody else in a cluster that the user owns.
   */
  async endPod(namespace: string, name: string): Promise<void> {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } };
    await this.#writer.claim(pod);
    await this.#writer.delete(pod, 0);
  }

  /**
   * Waits until a namespace is gone, with all that was in it.
   *
   * @param within milliseconds
   * @param meanwhile done before each look, e.g. to end pods that would drain
   * @throws MeshproofError MP701 when it stays.
   */
  async waitUntilGone(name: string, options: GoneOptions): Promise<void> {
    await namespaceIsGone(this, name, options);
  }

  /**
   * Sets the replicas of a deployment.
   *
   * @throws MeshproofError MP507 for a deployment of somebody else in a cluster that the user owns.
   */
  async scale(namespace: string, name: string, replicas: number): Promise<void> {
    await this.#writer.claim({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace } });
    const set = async (): Promise<void> => {
      const body = await this.apps.readNamespacedDeploymentScale({ namespace, name });
      if (body.spec !== undefined) body.spec.replicas = replicas;
      await this.apps.replaceNamespacedDeploymentScale({ namespace, name, body });
    };
    // A deployment whose pods come and go has another version between a look and the write.
    await pRetry(set, { ...writePatience, shouldRetry: ({ error }) => isConflict(error) });
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
  async waitForDeployment(namespace: string, name: string, options: RolloutOptions): Promise<void> {
    await deploymentIsAvailable(this, namespace, name, options);
  }
}
