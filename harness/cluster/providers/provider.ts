import type { Progress } from '../../progress/progress.ts';
import type { Docker } from '../../toolchain/docker.ts';
import type { ImageSet } from '../../toolchain/images/image-set.ts';
import type { AddressPool } from '../address-pool.ts';
import type { ClusterAddress } from '../cluster-address.ts';

/**
 * What clusters of a provider can be used for. A scenario whose needs are not met is reported as not supported, never
 * passed over.
 *
 * - `loadBalancer`: LoadBalancer services get an address of their own
 * - `ownsMesh`: meshproof may install, change and restart control planes
 * - `ownsCluster`: meshproof made the cluster, may change it (its DNS, say), and takes it away again
 */
export type Capability = 'loadBalancer' | 'ownsMesh' | 'ownsCluster';

/** What a provider knows of the environment whose clusters it has. */
export interface ProviderContext {
  /** Name of the environment: prefix of everything that is made. */
  readonly name: string;
  readonly clusters: readonly string[];
  /** Id that what is made in the clusters carries. */
  readonly owner: string;
  /** The state folder of the environment. */
  readonly folder: string;
  /** Cluster → kubeconfig context, where clusters already exist. */
  readonly contexts?: Readonly<Record<string, string>> | undefined;
  readonly kubeconfig?: string | undefined;
  readonly pools?: Readonly<Record<string, AddressPool>> | undefined;
  /** The engine, and the program of the provider itself; absent where nothing is made with them. */
  readonly tools?: { readonly docker: Docker; readonly program: string } | undefined;
}

/** What making clusters takes. */
export interface Making {
  readonly images: ImageSet;
  /** Where logs of a failed creation go. */
  readonly evidence: string;
  readonly signal: AbortSignal;
}

/** Where the clusters of one environment come from. */
export interface Provider {
  /** Id that everything made in the clusters carries. */
  readonly owner: string;
  /** Where the clusters are, whether or not they answer. */
  readonly addresses: readonly ClusterAddress[];
  /**
   * Checks that the clusters can be had, before anything is made.
   *
   * @throws MeshproofError MP501 for a name in use, MP502 for addresses that will not do, MP504 for one that does not
   *   answer.
   */
  check(): Promise<void>;
  /**
   * Makes the clusters, side by side, or opens those that are there.
   *
   * @throws MeshproofError MP503 with the words of what makes them.
   */
  create(making: Making, progress: Progress): Promise<ClusterAddress[]>;
  /** Gives LoadBalancer services of a cluster their addresses; does nothing where the platform does that. */
  startLoadBalancer(cluster: ClusterAddress, making: Making): Promise<void>;
  /**
   * Takes away what was made: the clusters, or what is meshproof's in them. Half-made ones as well.
   *
   * @param kept addresses of the clusters as the environment had them
   * @param forget clusters that do not answer are left as they are, because they are gone for good
   * @returns a line for each thing that was removed, or that stays because it was left
   */
  destroy(kept: readonly ClusterAddress[], options?: { readonly forget?: boolean }): Promise<string[]>;
}

/** One kind of provider. */
export interface ProviderDefinition {
  readonly capabilities: ReadonlySet<Capability>;
  /** The Docker network that containers join to stand beside the clusters. */
  readonly network?: string;
  /** Name of the container that a cluster's node is, where it is one. */
  readonly nodeOf?: (environment: string, cluster: string) => string;
  /** What it does is loaded when it is needed: what it can be used for is known without. */
  readonly of: (context: ProviderContext) => Promise<Provider>;
}
