import type { ClusterAddress } from '../cluster/cluster-address.ts';
import type { ImageSet } from '../toolchain/images/image-set.ts';
import type { Toolchain } from '../toolchain/toolchain.ts';
import type { RunRequest } from './request.ts';

/**
 * What one run does, as plain data. The process that prepared it (toolchain, daemon, images) hands it to the one that
 * carries it out inside of the lab's network namespace.
 */
export interface Plan {
  readonly request: RunRequest;
  /** Folder of the run: reports/<run>. */
  readonly runFolder: string;
  readonly toolchain: Toolchain;
  readonly images: ImageSet;
  /** Set when the clusters live in the lab. */
  readonly lab: { readonly dockerHost: string; readonly namespacePath: string } | undefined;
  /** The docker program. */
  readonly docker: string;
  /** Clusters that the user owns that somebody agreed are written to. */
  readonly agreed: readonly ClusterAddress[];
}
