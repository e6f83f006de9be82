import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';

/** Where a run says that it is paused, and why; whoever removes the file lets it go on. */
export const pausedFile = (runFolder: string): string => join(runFolder, 'paused.txt');

/** Milliseconds after which a pause ends by itself: nobody looks at a mesh for longer than a day. */
export const longestPause = 24 * 3_600_000;

/**
 * Keeps a scenario where it is, with the mesh as broken as it was found, until somebody removes the run's file
 * `paused.txt`.
 *
 * @param what that does not hold, as a line
 * @throws MeshproofError MP701 after a day; the signal's reason when the run is stopped.
 */
export async function pauseUntilToldToGoOn(runFolder: string, what: string, signal: AbortSignal): Promise<void> {
  const file = pausedFile(runFolder);
  await writeFile(file, `${what}\n`);
  try {
    await waitFor({
      name: 'somebody lets the run go on',
      within: longestPause,
      every: 300,
      signal,
      look: async () => ((await isThere(file)) ? notYet(`${file} is there`) : holds(undefined)),
    });
  } finally {
    await rm(file, { force: true });
  }
}

/** Whether the run is paused now; another reason why the file cannot be looked at is thrown. */
export async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
