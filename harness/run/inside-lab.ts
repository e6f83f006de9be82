import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { standsIn } from '../lab/network-namespace.ts';
import type { Environment } from '../scenario/environment.ts';
import { environmentPath } from './state.ts';

const bin = fileURLToPath(new URL('../cli/bin.js', import.meta.url));

/** True when this process stands where the environment's addresses are: in the lab's network namespace, or anywhere without a lab. */
export async function standsInside({ networkNamespace }: Environment): Promise<boolean> {
  return networkNamespace === undefined || (await standsIn(networkNamespace));
}

/**
 * Runs a program where the environment lives, with its streams on this process's.
 *
 * @returns its exit code
 */
export async function runInside(
  { name, networkNamespace, dockerHost }: Environment,
  call: readonly string[],
): Promise<number> {
  const [program = '', ...args] =
    networkNamespace === undefined ? call : ['nsenter', `--net=${networkNamespace}`, ...call];
  const env = {
    MESHPROOF_ENVIRONMENT: environmentPath(name),
    ...(dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost }),
  };
  const { exitCode } = await execa(program, args, { stdio: 'inherit', reject: false, env });
  return exitCode ?? 3;
}

/** Runs this very command once more, inside. */
export const runThisInside = (environment: Environment): Promise<number> =>
  runInside(environment, [process.execPath, bin, ...process.argv.slice(2)]);
