import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { holdLock } from '../process/process-lock.ts';
import { environmentSchema, type Environment } from '../scenario/environment.ts';

/**
 * Where a kept environment is remembered: kubeconfigs, the CAs, and what there is to remove. One folder for each
 * `name`.
 */
export const stateFolder = (name: string): string => join(stateBase(), name);

const stateBase = (): string =>
  process.env['MESHPROOF_STATE'] ??
  join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'meshproof');

/** Folders of the runs that made the environments which are kept, under whatever name. */
export async function runsOfKeptEnvironments(): Promise<string[]> {
  const names = await readdir(stateBase()).catch((): string[] => []);
  const kept = await Promise.all(names.map((name) => readEnvironment(name).catch(() => undefined)));
  return kept.flatMap((environment) => environment?.runFolder ?? []);
}

export const environmentPath = (name: string): string => join(stateFolder(name), 'environment.json');

/** Where the objects that installed a cluster's mesh are kept. */
export const manifestPath = (name: string, cluster: string): string => join(stateFolder(name), `istio-${cluster}.json`);

/** Where a cluster’s state as its mesh was proven ready is kept. */
export const baselinePath = (name: string, cluster: string): string =>
  join(stateFolder(name), `baseline-${cluster}.json`);

export async function readEnvironment(name: string): Promise<Environment | undefined> {
  const text = await readFile(environmentPath(name), 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code)))
      return undefined;
    throw error;
  });
  return text === undefined ? undefined : environmentSchema.parse(JSON.parse(text));
}

export async function writeEnvironment(environment: Environment): Promise<void> {
  const file = environmentPath(environment.name);
  await mkdir(stateFolder(environment.name), { recursive: true, mode: 0o700 });
  // Keys of certificate authorities lie there; one that was made by something else before is closed, too.
  await chmod(stateFolder(environment.name), 0o700);
  await writeFile(`${file}.new`, `${JSON.stringify(environment, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

export async function forgetEnvironment(name: string): Promise<void> {
  await rm(stateFolder(name), { recursive: true, force: true });
}

/**
 * Holds an environment for one command at a time.
 *
 * @throws MeshproofError MP204 when a live meshproof works on it.
 */
export async function lockEnvironment(name: string): Promise<() => Promise<void>> {
  return await holdLock(`${stateFolder(name)}.lock`, { what: `the environment ${name}`, within: 12_000 });
}
