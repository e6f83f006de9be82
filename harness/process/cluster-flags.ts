/** Where a cluster's API is found: a kubeconfig and one of its contexts. */
export interface ClusterContext {
  readonly kubeconfig: string;
  readonly context: string;
}

/** The flags by which kubectl and istioctl find a cluster, whatever the user's current context is. */
export const clusterFlags = ({ kubeconfig, context }: ClusterContext): string[] => [
  '--kubeconfig',
  kubeconfig,
  '--context',
  context,
];
