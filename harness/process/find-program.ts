import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The full path of a program on the PATH, undefined when it is not there. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
}
