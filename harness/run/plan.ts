import type { ClusterAddress } from '../cluster/cluster-api.ts';
import type { Config } from '../config/config.ts';
import type { ImageSet } from '../toolchain/images/image-set.ts';
import type { Toolchain } from '../toolchain/toolchain.ts';

/** What a run does about a scenario that is red. */
export interface OnRed {
  /** Prove the first cause: undo it, play the scenario again, put it in again. */
  readonly prove: boolean;
  /** Keep the mesh as it is until somebody has looked. */
  readonly pauses: boolean;
}

/**
 * What one run does, as plain data. The process that prepared it (toolchain, daemon, images) hands it to the one that
 * carries it out inside of the lab's network namespace.
 */
export interface Plan {
  readonly config: Config;
  /** Folder of the run: reports/<run>. */
  readonly runFolder: string;
  readonly toolchain: Toolchain;
  readonly images: ImageSet;
  /** Set when the clusters live in the lab. */
  readonly lab: { readonly dockerHost: string; readonly namespacePath: string } | undefined;
  /** The docker program. */
  readonly docker: string;
  /** Ids of the scenarios to play; undefined means all, an empty list none (`up`). */
  readonly only: readonly string[] | undefined;
  /** Seed of a random order of the scenarios; undefined means the walkthrough's order. */
  readonly shuffle: number | undefined;
  readonly onRed: OnRed;
  readonly reuse: boolean;
  readonly keep: boolean;
  /** Clusters of the user that somebody agreed are written to. */
  readonly agreed: readonly ClusterAddress[];
}
