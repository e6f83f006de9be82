import type { Progress } from '../progress/progress.ts';
import type { ClusterAddress } from './cluster-api.ts';

/** What a provider can offer; a scenario whose needs are not met is reported as not supported, never passed over. */
export interface Offers {
  /** LoadBalancer services get an address of their own. */
  readonly loadBalancer: boolean;
  /** meshproof may install, change and restart control planes. */
  readonly ownsMesh: boolean;
}

/** Where clusters come from. */
export interface ClusterProvider {
  readonly kind: 'kind' | 'existing';
  readonly offers: Offers;
  /**
   * Sees that the clusters can be had, before anything is made.
   *
   * @throws MeshproofError MP501, MP502 or MP504.
   */
  check(): Promise<void>;
  /** Makes the clusters, side by side, or opens those that the user named. */
  provide(progress: Progress, signal: AbortSignal): Promise<ClusterAddress[]>;
  /** Gives LoadBalancer services of a cluster their addresses; does nothing where the platform does that. */
  startLoadBalancer(cluster: ClusterAddress, signal: AbortSignal): Promise<void>;
}
