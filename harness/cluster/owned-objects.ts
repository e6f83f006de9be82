import { PatchStrategy, type KubernetesObjectApi, type V1ManagedFieldsEntry } from '@kubernetes/client-node';
import pRetry from 'p-retry';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { isAbsent, isBooting, isConflict } from './api-errors.ts';
import { objectName, withPodLabels, type KubernetesObject } from './kubernetes-object.ts';
import { fieldManager, isOwn, lentLabel, ownerLabel, ownLabel, ownLabels } from './labels.ts';
import { foreignContents, type NamespaceReader } from './namespace-contents.ts';
import { writePatience, type ObjectWriter } from './object-writer.ts';
import type { WriteGuard } from './write-guard.ts';

export interface OwnedObjectsOptions {
  readonly cluster: string;
  readonly owner: string | undefined;
  readonly objects: KubernetesObjectApi;
  readonly reader: NamespaceReader;
  readonly guard: WriteGuard;
}

/**
 * Writes to a cluster that meshproof did not make. What is not there is created, and creation refuses what somebody
 * else made in the meantime; what is there and own is changed or deleted in exactly the version that was seen to be
 * own. Nothing is read first and forced afterwards.
 */
export class OwnedObjects implements ObjectWriter {
  readonly #options: OwnedObjectsOptions;

  constructor(options: OwnedObjectsOptions) {
    this.#options = options;
  }

  /**
   * Creates an object, or applies it to the one that is there and own.
   *
   * @param asked with the labels of its owner
   * @throws MeshproofError MP507 for an object of somebody else, with the field managers that have it; whatever the
   *   server refuses it with.
   */
  async apply(asked: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject> {
    const object = this.#withPods(asked);
    const write = async (): Promise<KubernetesObject> => {
      const found = await this.#own(object);
      // A namespace that was lent is used as it is.
      if (found !== undefined && isLent(found)) return found;
      return found === undefined ? await this.#create(object) : await this.#change(object, found);
    };
    return await pRetry(write, {
      ...writePatience,
      shouldRetry: ({ error }) => isConflict(error) || isBooting(error),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /**
   * Asks the server whether it would take an object. In a namespace that is still to be made nothing can be asked
   * about, so there it is asked about one of the same content in the namespace `default`, under a name that nobody has.
   *
   * @throws MeshproofError MP507 for an object of somebody else; whatever the server refuses it with.
   */
  async wouldApply(wanted: KubernetesObject): Promise<void> {
    const { objects } = this.#options;
    const object = this.#withPods(wanted);
    const { name, namespace } = object.metadata;
    const found = await this.#own(object);
    const home = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace ?? 'default' } };
    const asked =
      (await this.#read(home)) === undefined
        ? { ...object, metadata: { ...object.metadata, namespace: 'default', name: `meshproof-dry-run-${name}` } }
        : object;
    if (found !== undefined && isLent(found)) return;
    if (found === undefined) await objects.create(asked, undefined, 'All', fieldManager);
    else await objects.patch(asked, undefined, 'All', fieldManager, true, PatchStrategy.ServerSideApply);
  }

  /**
   * Deletes an object that is own; one that is absent, or somebody else's, is left as it is.
   *
   * @throws MeshproofError MP510 for a namespace that holds what somebody else made.
   */
  async delete(object: KubernetesObject, gracePeriodSeconds?: number): Promise<void> {
    const remove = async (): Promise<void> => {
      const found = await this.#read(object);
      if (found === undefined || !isOwn(found, this.#options.owner)) return;
      if (found.kind === 'Namespace') await this.#checkContents(found);
      const { uid = '', resourceVersion = '' } = found.metadata;
      const body = { preconditions: { uid, resourceVersion } };
      await this.#options.objects
        .delete(object, undefined, undefined, gracePeriodSeconds, undefined, undefined, body)
        .catch((error: unknown) => {
          if (!isAbsent(error)) throw error;
        });
    };
    await pRetry(remove, { ...writePatience, shouldRetry: ({ error }) => isConflict(error) || isBooting(error) });
  }

  /**
   * Checks that an object is absent, or own.
   *
   * @throws MeshproofError MP507 for one of somebody else.
   */
  async claim(object: KubernetesObject): Promise<void> {
    await this.#own(object);
  }

  /**
   * Pods carry the labels as well: while a deployment goes, what its controllers made stays for a moment, and nobody is
   * to take that for somebody else's.
   */
  #withPods(object: KubernetesObject): KubernetesObject {
    return withPodLabels(object, ownLabels(this.#options.owner));
  }

  /** A namespace of this owner goes only when nobody else has anything in it. */
  async #checkContents(namespace: KubernetesObject): Promise<void> {
    const { reader, owner, cluster } = this.#options;
    const { foreign, unseen } = await foreignContents(reader, namespace.metadata.name, owner);
    if (foreign.length === 0 && unseen.length === 0) return;
    throw new MeshproofError('MP510', {
      what: `${objectName(namespace)} holds what this environment did not make`,
      where: `cluster ${cluster}`,
      seen: [...foreign, ...unseen.map((kind) => `kind ${kind}, which you may not list`)].join('\n'),
    });
  }

  async #own(object: KubernetesObject): Promise<KubernetesObject | undefined> {
    const { cluster, owner } = this.#options;
    const found = await this.#read(object);
    if (found === undefined || isOwn(found, owner) || isLent(found)) return found;
    throw new MeshproofError('MP507', {
      what: `${objectName(object)} is not this environment’s`,
      where: `cluster ${cluster}`,
      expected: `absent, or with the labels ${ownLabel}=${fieldManager} and ${ownerLabel}=${owner ?? '…'}`,
      seen: `one that ${madeBy(found)}`,
    });
  }

  async #read(object: KubernetesObject): Promise<KubernetesObject | undefined> {
    const found = await this.#options.objects.read<KubernetesObject>(object).catch((error: unknown) => {
      if (isAbsent(error)) return undefined;
      throw error;
    });
    if (found !== undefined) this.#options.guard.saw(found);
    return found;
  }

  /** A creation is taken only where nothing is: whoever is first has the name. */
  async #create(object: KubernetesObject): Promise<KubernetesObject> {
    return await this.#options.objects.create<KubernetesObject>(object, undefined, undefined, fieldManager);
  }

  async #change(object: KubernetesObject, found: KubernetesObject): Promise<KubernetesObject> {
    const { metadata } = await this.#asApplied(found);
    const { uid, resourceVersion } = metadata;
    return await this.#options.objects.patch<KubernetesObject>(
      {
        ...object,
        metadata: {
          ...object.metadata,
          ...(uid === undefined ? {} : { uid }),
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
        },
      },
      undefined,
      undefined,
      fieldManager,
      true,
      PatchStrategy.ServerSideApply,
    );
  }

  /**
   * What was created is noted as updated by us, and server-side apply takes only away what was noted as applied: the
   * notes are turned into these first, as client-go's csaupgrade does.
   */
  async #asApplied(found: KubernetesObject): Promise<KubernetesObject> {
    const { metadata } = found;
    const entries = metadata.managedFields ?? [];
    const created = ({ manager, operation, subresource }: V1ManagedFieldsEntry): boolean =>
      manager === fieldManager && operation === 'Update' && subresource === undefined;
    if (!entries.some(created)) return found;
    const managedFields = entries.map((entry) =>
      created(entry) ? Object.assign({}, entry, { operation: 'Apply' }) : entry,
    );
    const { apiVersion, kind } = found;
    const { name, namespace, uid, resourceVersion } = metadata;
    const upgraded = await this.#options.objects.patch<KubernetesObject>(
      {
        apiVersion,
        kind,
        metadata: {
          name,
          ...(namespace === undefined ? {} : { namespace }),
          ...(uid === undefined ? {} : { uid }),
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
          managedFields,
        },
      },
      undefined,
      undefined,
      fieldManager,
      undefined,
      PatchStrategy.MergePatch,
    );
    this.#options.guard.saw(upgraded);
    return upgraded;
  }
}

/** A namespace that an administrator lends to whoever runs scenarios. */
const isLent = ({ kind, metadata }: KubernetesObject): boolean =>
  kind === 'Namespace' && metadata.labels?.[lentLabel] === 'true';

/** Who has fields of an object, as the server notes it: "kubectl and helm made". */
function madeBy({ metadata }: KubernetesObject): string {
  const names = [...new Set((metadata.managedFields ?? []).flatMap(({ manager }) => manager ?? []))];
  const label = metadata.labels?.[ownerLabel];
  const whose = label === undefined ? '' : ` for the environment ${label}`;
  return `${names.length === 0 ? 'somebody else' : names.join(' and ')} made${whose}`;
}
