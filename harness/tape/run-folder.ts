import { constants } from 'node:fs';
import { open, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import { MeshproofError } from '../errors/meshproof-error.ts';

const megabyte = 1024 * 1024;

/** The largest files that are read from a run folder, in bytes. */
export const largest = { record: 64 * megabyte, tape: 256 * megabyte, answer: 256 * megabyte } as const;

/**
 * Reads a text file of a run folder. Somebody else may have written the folder: what is read must be a regular file
 * that lies inside of it, links followed.
 *
 * @param folder that must hold the file; it may be a link itself
 * @param path of the file, relative to the folder
 * @param most the largest size that is read, in bytes
 * @throws MeshproofError MP720 for a path or a link that leaves the folder, or for anything but a regular file; MP721
 *   for a file that is larger. A file that is not there rejects with ENOENT, for the caller to say what is missing.
 */
export async function readInside(folder: string, path: string, most: number): Promise<string> {
  const file = await pathInside(folder, path);
  // A pipe would block the open, and a device would never end.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw leaves(folder, path, 'something else than a regular file');
    if (status.size > most)
      throw new MeshproofError('MP721', {
        what: `${basename(path)} is larger than is read`,
        where: join(folder, path),
        expected: `at most ${most} bytes`,
        seen: `${status.size} bytes`,
      });
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/**
 * Where a path of a run folder leads, links followed.
 *
 * @throws MeshproofError MP720 when that is not inside of the folder; ENOENT when there is nothing.
 */
export async function pathInside(folder: string, path: string): Promise<string> {
  const steps = path.split(/[/\\]/);
  if (path === '' || path.includes('\0') || isAbsolute(path) || steps.includes('..'))
    throw leaves(folder, path, 'a path that leads out of it');
  const root = await realpath(folder);
  const target = await realpath(join(folder, path));
  if (!target.startsWith(root.endsWith(sep) ? root : `${root}${sep}`))
    throw leaves(folder, path, `a link to ${target}`);
  return target;
}

/**
 * Writes a file of a run folder as a whole or not at all. A link that has its name is replaced, and never followed: the
 * folder may come from somebody else.
 */
export async function writeInside(file: string, text: string): Promise<void> {
  const unfinished = join(dirname(file), `.${basename(file)}.${process.pid}`);
  await rm(unfinished, { force: true });
  try {
    await writeFile(unfinished, text, { flag: 'wx' });
    await rename(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
}

function leaves(folder: string, path: string, seen: string): MeshproofError {
  return new MeshproofError('MP720', {
    what: 'the run folder leads outside of itself',
    where: join(folder, path.slice(0, 200).replaceAll('\0', '\\0')),
    expected: 'regular files inside of the folder',
    seen,
  });
}

/** True for an error that says that a file, or a folder on the way to it, is not there. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
