import { createInterface } from 'node:readline';
import { rm } from 'node:fs/promises';
import { asMeshproofError, describeError } from '../errors/meshproof-error.ts';
import { pausedFile } from '../scenario/pause.ts';
import { complain } from './tell.ts';

/**
 * At a terminal, Enter lets a paused run go on; elsewhere its file has to be removed.
 *
 * @param folder of the run, once there is one
 * @returns what stops listening, so that the process can end
 */
export function enterGoesOn(folder: () => string | undefined): () => void {
  if (!process.stdin.isTTY) return () => undefined;
  const lines = createInterface({ input: process.stdin });
  lines.on('line', () => {
    const run = folder();
    if (run === undefined) return;
    rm(pausedFile(run), { force: true }).catch((error: unknown) => {
      complain(`${describeError(asMeshproofError(error))}\n`);
    });
  });
  return () => {
    lines.close();
  };
}
