import type { Config } from '../config/config.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { labHolds } from '../lab/lab.ts';
import type { Environment } from '../scenario/environment.ts';
import { checkFits } from './fitting-environment.ts';
import { labUser } from './remove-environment.ts';
import { forgetEnvironment, readEnvironment } from './state.ts';

/**
 * Checks before anything is prepared that the environment to reuse is there and is the one that is configured, or that
 * a new one has its name to itself.
 *
 * @returns the one that is used again
 * @throws MeshproofError MP105 without one to reuse, or with another one than is configured; MP501 with one in the way.
 */
export async function environmentFor(config: Config, reuse: boolean): Promise<Environment | undefined> {
  const { name } = config;
  const kept = await livingEnvironment(name);
  if (reuse && kept === undefined) throw new MeshproofError('MP105', { what: `no environment ${name} is kept` });
  if (reuse && kept?.status !== 'ready')
    throw new MeshproofError('MP105', {
      what: `the environment ${name} was never finished`,
      remedy: 'Remove it with `meshproof down`, then bring one up.',
    });
  if (!reuse && kept !== undefined)
    throw new MeshproofError('MP501', {
      what: `the environment ${name} is there already`,
      remedy: 'Use it with `--reuse`, or remove it with `meshproof down`.',
    });
  if (kept !== undefined) await checkFits(kept, config);
  return kept;
}

/**
 * The kept environment; one whose private daemon has ended, or was started anew since, is forgotten: its clusters are
 * gone.
 */
async function livingEnvironment(name: string): Promise<Environment | undefined> {
  const kept = await readEnvironment(name);
  if (kept?.networkNamespace === undefined || (await labHolds(labUser(name)))) return kept;
  await forgetEnvironment(name);
  return undefined;
}
