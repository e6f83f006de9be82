import type { Command } from 'commander';
import { loadConfig } from '../config/config.ts';
import { readEnvironment } from '../environment/state.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Environment } from '../scenario/environment.ts';

/**
 * The kept environment that a command's configuration names.
 *
 * @param remedy what to tell when there is none, in place of what the code's own remedy says
 * @throws MeshproofError MP105 when none is kept.
 */
export async function keptEnvironment(command: Command, remedy?: string): Promise<Environment> {
  const { name } = await loadConfig(command.optsWithGlobals<{ config?: string }>().config);
  const environment = await readEnvironment(name);
  if (environment === undefined) throw noneKept(name, remedy);
  return environment;
}

/**
 * The same for a command that writes to it: one that is still brought up, or was not removed entirely, is none.
 *
 * @throws MeshproofError MP105 when none is ready.
 */
export async function readyEnvironment(command: Command, remedy: string): Promise<Environment> {
  const environment = await keptEnvironment(command, remedy);
  if (environment.status !== 'ready') throw noneKept(environment.name, remedy);
  return environment;
}

/**
 * True when this process reaches the environment's addresses. When it does not, the command has been run once more
 * where they are reached, its exit code is this process's, and there is nothing left to do.
 */
export async function standsWhere(environment: Environment): Promise<boolean> {
  const { runThisInside, standsInside } = await import('../environment/inside-lab.ts');
  if (await standsInside(environment)) return true;
  process.exitCode = await runThisInside(environment);
  return false;
}

const noneKept = (name: string, remedy: string | undefined): MeshproofError =>
  new MeshproofError('MP105', {
    what: `no environment ${name} is kept`,
    ...(remedy === undefined ? {} : { remedy }),
  });
