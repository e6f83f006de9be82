import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stateFolder } from './state.ts';

const ownerPath = (name: string): string => join(stateFolder(name), 'owner');

/**
 * The id that marks what an environment makes in clusters, as its state folder has it. By it `down` finds everything
 * again, and never what another person's state folder made. It goes with the folder, once nothing is left that carries
 * it.
 *
 * @returns undefined before anything was made
 */
export async function knownOwner(name: string): Promise<string | undefined> {
  try {
    return (await readFile(ownerPath(name), 'utf8')).trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** A new id, a value for a label: the environment's name and twelve random hexadecimal digits. */
export const newOwner = (name: string): string => `${name}-${randomBytes(6).toString('hex')}`;

/**
 * Keeps an id, before anything is written that carries it.
 *
 * @returns the one that is kept: the first one stays
 */
export async function keepOwner(name: string, owner = newOwner(name)): Promise<string> {
  const folder = stateFolder(name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const made = `${ownerPath(name)}.${process.pid}`;
  await writeFile(made, `${owner}\n`, { mode: 0o600 });
  // A link appears whole or not at all, and only once: of two processes the first one's id stays.
  await link(made, ownerPath(name)).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
  await rm(made);
  return (await knownOwner(name)) ?? owner;
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
