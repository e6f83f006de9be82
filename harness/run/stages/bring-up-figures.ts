import { clusterMemory } from '../../environment/cluster-memory.ts';
import { asMeshproofError, describeError } from '../../errors/meshproof-error.ts';
import type { Environment } from '../../scenario/environment.ts';
import type { Stage } from '../request.ts';

/**
 * Notes what bringing an environment up took, beyond the times of its phases. Figures are worth having, and never worth
 * a run: one that cannot be had is told, and left out.
 */
export async function noteBringUp(environment: Environment, { record, progress }: Stage): Promise<void> {
  try {
    const memory = await clusterMemory(environment);
    if (Object.keys(memory).length > 0) await record.note({ clusterMemoryBytes: memory });
  } catch (error) {
    progress.note(`the memory of the clusters is not known: ${describeError(asMeshproofError(error))}`);
  }
}
