import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { isThere, pausedFile, pauseUntilToldToGoOn } from './pause.ts';

test('a pause lasts until its file is removed, and says why it is one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'meshproof-pause-'));
  const file = pausedFile(folder);
  let over = false;
  const pause = pauseUntilToldToGoOn(folder, 'direct-sidecar: curl answers 200', new AbortController().signal).then(
    () => {
      over = true;
    },
  );
  await waitFor({
    name: 'the run is paused',
    within: 5_000,
    every: 10,
    look: async () => ((await isThere(file)) ? holds(undefined) : notYet('no file')),
  });
  expect(await readFile(file, 'utf8')).toBe('direct-sidecar: curl answers 200\n');
  expect(over).toBe(false);
  await rm(file);
  await pause;
  expect(over).toBe(true);
  await rm(folder, { recursive: true });
});

test('a run that is stopped leaves no pause behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'meshproof-pause-'));
  const stop = new AbortController();
  const pause = pauseUntilToldToGoOn(folder, 'x', stop.signal);
  stop.abort(new Error('stopped'));
  await expect(pause).rejects.toThrow('stopped');
  expect(await isThere(pausedFile(folder))).toBe(false);
  await rm(folder, { recursive: true });
});
