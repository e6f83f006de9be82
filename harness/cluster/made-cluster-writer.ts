import { PatchStrategy, type KubernetesObjectApi } from '@kubernetes/client-node';
import pRetry from 'p-retry';
import { isAbsent, isBooting } from './api-errors.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { fieldManager } from './labels.ts';
import { writePatience, type ObjectWriter } from './object-writer.ts';

/** Writes to a cluster that meshproof made, where everything is its own: by server-side apply that takes all fields. */
export class MadeClusterWriter implements ObjectWriter {
  readonly #objects: KubernetesObjectApi;

  constructor(objects: KubernetesObjectApi) {
    this.#objects = objects;
  }

  async apply(object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject> {
    return await pRetry(() => this.#force(object), {
      ...writePatience,
      shouldRetry: ({ error }) => isBooting(error),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async wouldApply(object: KubernetesObject): Promise<void> {
    await this.#force(object, 'All');
  }

  async delete(object: KubernetesObject, gracePeriodSeconds?: number): Promise<void> {
    await this.#objects.delete(object, undefined, undefined, gracePeriodSeconds).catch((error: unknown) => {
      if (!isAbsent(error)) throw error;
    });
  }

  claim(): Promise<void> {
    return Promise.resolve();
  }

  async #force(object: KubernetesObject, dryRun?: 'All'): Promise<KubernetesObject> {
    return await this.#objects.patch(object, undefined, dryRun, fieldManager, true, PatchStrategy.ServerSideApply);
  }
}
