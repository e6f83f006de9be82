/** One cluster: where it is, and whose. */
export interface ClusterAddress {
  /** Name of the cluster in messages: west, east… */
  readonly name: string;
  readonly kubeconfig: string;
  readonly context: string;
  /** A cluster that meshproof did not make: what is there and is not this owner's is neither changed nor deleted. */
  readonly foreign?: boolean | undefined;
  /** Id of the environment that writes there; what it makes carries it. */
  readonly owner?: string | undefined;
  /** Somebody agreed, to this very command, that a cluster of theirs is written to. */
  readonly agreed?: boolean | undefined;
}
