import type { ProviderDefinition } from './provider.ts';

/**
 * Clusters that somebody has, meshed already. Nothing of them is created or deleted beyond what scenarios apply and
 * take away.
 */
export const existing: ProviderDefinition = {
  capabilities: new Set(['loadBalancer']),
  of: async (context) => new (await import('./existing-clusters.ts')).ExistingClusters(context),
};
