import { access } from 'node:fs/promises';
import { commandLine } from '../assets/package-files.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { standsIn } from '../lab/network-namespace.ts';
import { runAttached } from '../process/run-attached.ts';
import type { Environment } from '../scenario/environment.ts';
import { environmentPath } from './state.ts';

/**
 * True when this process stands where the environment's addresses are: in the lab's network namespace, or anywhere
 * without a lab.
 */
export async function standsInside({ networkNamespace }: Environment): Promise<boolean> {
  return networkNamespace === undefined || (await standsIn(networkNamespace));
}

/**
 * Runs a program where the environment lives, with its streams on this process's.
 *
 * @param env variables for it, beside this process's own
 * @returns its exit code; 128 and the signal's number when a signal ended it
 * @throws MeshproofError MP105 when the lab's network namespace is gone, MP107 when the program cannot be started.
 */
export async function runInside(
  { name, networkNamespace, dockerHost }: Environment,
  call: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  if (networkNamespace !== undefined)
    await access(networkNamespace).catch((cause: unknown) => {
      throw new MeshproofError('MP105', {
        what: `the lab that the environment ${name} lived in is gone`,
        where: networkNamespace,
        remedy: 'Forget it with `npx meshproof down`, then bring one up with `npx meshproof up`.',
        cause,
      });
    });
  return await runAttached(networkNamespace === undefined ? call : ['nsenter', `--net=${networkNamespace}`, ...call], {
    ...env,
    MESHPROOF_ENVIRONMENT: environmentPath(name),
    ...(dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost }),
  });
}

/** Runs this very command once more, inside. */
export const runThisInside = (environment: Environment): Promise<number> =>
  runInside(environment, [process.execPath, commandLine, ...process.argv.slice(2)]);
