import { ExistingProvider } from '../cluster/existing.ts';
import type { Config } from './config.ts';
import { ownerOf } from './owner.ts';

/** The clusters of the user that a config names. */
export const existingProvider = async ({
  name,
  clusters,
  contexts = {},
  kubeconfig,
}: Config): Promise<ExistingProvider> =>
  new ExistingProvider({ clusters, contexts, kubeconfig, owner: await ownerOf(name) });
