import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';

/**
 * The full path of a program, as a shell finds it: a name with a slash is a path, any other is looked for along the
 * search path.
 *
 * @param searchPath folders, as in the variable PATH; this process's own by default
 * @returns undefined when there is no such program, or only a folder or a file of that name that nobody may run
 */
export async function findProgram(name: string, searchPath = process.env['PATH'] ?? ''): Promise<string | undefined> {
  if (name === '') return undefined;
  const candidates = name.includes('/')
    ? [resolve(name)]
    : searchPath.split(delimiter).map((folder) => resolve(join(folder, name)));
  for (const path of candidates) if (await isProgram(path)) return path;
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  return await Promise.all([access(path, constants.X_OK), stat(path)]).then(
    ([, found]) => found.isFile(),
    () => false,
  );
}
