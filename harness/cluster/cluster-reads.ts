import type { AppsV1Api, CoreV1Api } from '@kubernetes/client-node';
import type { ClusterAddress } from './cluster-address.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

/** What can be read of one cluster. */
export interface ClusterReads {
  readonly address: ClusterAddress;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  /** An object as it is, undefined when it is not there. */
  read(object: KubernetesObject): Promise<KubernetesObject | undefined>;
  /** All objects of a kind in every namespace, or in one, or those with a label. */
  listObjects(
    apiVersion: string,
    kind: string,
    labelSelector?: string,
    namespace?: string,
  ): Promise<KubernetesObject[]>;
}
