import { kindNetwork } from '../kind-network.ts';
import type { ProviderDefinition } from './provider.ts';

/** kind clusters on one Docker network, with MetalLB. */
export const kind: ProviderDefinition = {
  capabilities: new Set(['loadBalancer', 'ownsMesh', 'ownsCluster']),
  network: kindNetwork,
  nodeOf: (environment, cluster) => `${environment}-${cluster}-control-plane`,
  of: async (context) => new (await import('./kind-clusters.ts')).KindClusters(context),
};
