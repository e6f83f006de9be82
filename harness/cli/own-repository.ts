import { constants } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { packageRoot } from '../assets/package-files.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';

/** What a repository of one's own begins with; it is played against the package itself by `npm run test:slow`. */
const example = join(packageRoot, 'examples/own-scenarios');
/** npm takes a `.gitignore` out of every package. */
const named = (file: string): string => (file === 'gitignore' ? '.gitignore' : file);

/** What was written, and what was there before, each by its path below the folder. */
export interface LaidOut {
  readonly wrote: readonly string[];
  readonly kept: readonly string[];
}

/**
 * Copies the example repository into a folder. A file that is there is never overwritten.
 *
 * @throws MeshproofError MP109 when the folder cannot be written to.
 */
export async function layOutRepository(folder: string): Promise<LaidOut> {
  const [wrote, kept]: [string[], string[]] = [[], []];
  for (const file of await filesBelow(example)) {
    const target = resolve(folder, named(file));
    try {
      await mkdir(dirname(target), { recursive: true });
      await copyFile(join(example, file), target, constants.COPYFILE_EXCL);
      wrote.push(named(file));
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'))
        throw new MeshproofError('MP109', {
          what: `${named(file)} cannot be written`,
          where: resolve(folder),
          seen: cause instanceof Error ? cause.message : String(cause),
          cause,
        });
      kept.push(named(file));
    }
  }
  return { wrote, kept };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => !/^(node_modules|reports|package-lock\.json)/.test(file))
    .sort();
}
