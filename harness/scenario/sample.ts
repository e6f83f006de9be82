import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import type { GlobalService } from '../mesh/profile.ts';
import type { RemoteEndpoint } from '../mesh/services.ts';
import type { MeshCluster } from './mesh-cluster.ts';
import type { ScenarioContext } from './scenario.ts';

/** What a sample takes of what a scenario gets: the two clusters, and how steps are done. */
export type SampleRun = Pick<ScenarioContext<never>, 'client' | 'server' | 'step'>;

/** Where a sample lives, and as what its service is known. */
export interface SampleNames {
  readonly namespaces: { readonly client: string; readonly server: string };
  readonly service: GlobalService;
}

/** A ServiceEntry that leads to a sample from another cluster. */
export interface SampleEntry {
  /** The sample's own service by default. */
  readonly service?: GlobalService;
  /** Name of the object; made of the host by default, as the page does: httpbin-bar for httpbin.bar.global. */
  readonly name?: string;
  readonly endpoints: readonly RemoteEndpoint[];
  /** DNS by default, as on the page. */
  readonly resolution?: 'STATIC' | 'DNS';
}

/** What a sample declares of its service, in the cluster of the client and in that of the server. */
export interface SampleObjects {
  readonly service: GlobalService;
  /** The ServiceEntry that leads there from another cluster. */
  remote(entry: SampleEntry): KubernetesObject;
  /** The ServiceEntry by which the server's gateway knows a service of the same pods. */
  exposed(server: MeshCluster, service?: GlobalService): KubernetesObject;
  /** Namespace and name of an object for a host. */
  place(host: string, name?: string): { readonly namespace: string; readonly name: string };
}
