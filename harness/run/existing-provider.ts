import { ExistingProvider } from '../cluster/existing.ts';
import type { Config } from './config.ts';
import { knownOwner, newOwner } from './owner.ts';

/** The clusters of the user that a config names. Whoever will write to them keeps the owner's id first. */
export const existingProvider = async ({
  name,
  clusters,
  contexts = {},
  kubeconfig,
}: Config): Promise<ExistingProvider> =>
  new ExistingProvider({ clusters, contexts, kubeconfig, owner: (await knownOwner(name)) ?? newOwner(name) });
