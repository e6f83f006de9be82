import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stateFolder } from './state.ts';

/**
 * The id that marks what an environment makes in clusters, kept beside the state folder for good: by it `down` finds everything again, also
 * when the environment itself was forgotten, and never what another person's state folder made.
 *
 * @returns a value for a label: the environment's name and twelve random hexadecimal digits
 */
export async function ownerOf(name: string): Promise<string> {
  const file = join(stateFolder(name), '..', '.owners', name);
  const read = async (): Promise<string> => (await readFile(file, 'utf8')).trim();
  try {
    return await read();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const made = `${file}.${process.pid}`;
  await writeFile(made, `${name}-${randomBytes(6).toString('hex')}\n`, { mode: 0o600 });
  // A link appears whole or not at all, and only once: of two processes the first one's id stays.
  await link(made, file).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
  await rm(made);
  return await read();
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
