import type { KubernetesObject } from './kubernetes-object.ts';

/** How long a write is tried again while something boots, or while a controller changes the same object. */
export const writePatience = { retries: 120, factor: 1, minTimeout: 500, maxRetryTime: 60_000 } as const;

/** How objects get into a cluster and out of it: one way where meshproof made the cluster, another where it did not. */
export interface ObjectWriter {
  /**
   * Creates an object, or changes the one that is there.
   *
   * @param object with the labels of its owner
   * @returns the object as the server has it now
   * @throws whatever the server refuses it with; MeshproofError MP507 for an object that may not be changed.
   */
  apply(object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject>;
  /**
   * Asks the server whether it would take an object, without writing it.
   *
   * @throws as `apply`
   */
  wouldApply(object: KubernetesObject): Promise<void>;
  /**
   * Deletes an object, with its dependents; absent is fine, and what may not be deleted stays.
   *
   * @param gracePeriodSeconds of a pod; the pod's own by default
   */
  delete(object: KubernetesObject, gracePeriodSeconds?: number): Promise<void>;
  /**
   * Checks that an object may be changed and deleted, or is not there.
   *
   * @throws MeshproofError MP507 for one of somebody else in a cluster that meshproof did not make.
   */
  claim(object: KubernetesObject): Promise<void>;
}
