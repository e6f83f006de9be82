import { ExistingProvider } from '../cluster/existing.ts';
import type { Config } from './config.ts';

/** The clusters of the user that a config names. */
export const existingProvider = ({ clusters, contexts = {}, kubeconfig }: Config): ExistingProvider =>
  new ExistingProvider({ clusters, contexts, kubeconfig });
