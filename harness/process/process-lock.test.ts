import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive, startOf, thisProcess } from './process-identity.ts';
import { holdLock } from './process-lock.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-lock-'));
  file = join(folder, 'one.lock');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test('one holder at a time, in turns, and nothing is left afterwards', async () => {
  let [inside, most] = [0, 0];
  const work = async (): Promise<void> => {
    const release = await holdLock(file, { what: 'it', within: 10_000 });
    most = Math.max(most, (inside += 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside -= 1;
    await release();
  };
  await Promise.all(Array.from({ length: 5 }, work));
  expect(most).toBe(1);
  expect(await readdir(folder)).toEqual([]);
});

test('a live holder keeps it however old the file looks, and the refusal names the holder', async () => {
  const release = await holdLock(file, { what: 'the environment a', within: 1_000 });
  // The clock was set a day on, or the holder slept that long.
  await utimes(file, new Date(0), new Date(0));
  await expect(holdLock(file, { what: 'the environment a', within: 300 })).rejects.toThrow(
    expect.objectContaining({
      code: 'MP204',
      details: expect.objectContaining({ seen: expect.stringContaining(`process ${process.pid}`) }),
    }),
  );
  await release();
});

test('a dead holder’s lock is taken at once, also while several want it', async () => {
  const ended = execa('true');
  const dead = { ...(await thisProcess()), pid: ended.pid ?? 0, started: (await startOf(ended.pid ?? 0)) ?? '' };
  await ended;
  await writeFile(file, JSON.stringify(dead));
  const begun = performance.now();
  let inside = 0;
  await Promise.all(
    Array.from({ length: 3 }, async () => {
      const release = await holdLock(file, { what: 'it', within: 5_000 });
      expect((inside += 1)).toBe(1);
      inside -= 1;
      await release();
    }),
  );
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test('a pid that was given to another process is not the holder', async () => {
  await writeFile(file, JSON.stringify({ ...(await thisProcess()), started: 'another time' }));
  await (
    await holdLock(file, { what: 'it', within: 2_000 })
  )();
});

test('what a killed taker left does not stop the next one', async () => {
  await writeFile(file, JSON.stringify({ ...(await thisProcess()), started: 'another time' }));
  await mkdir(`${file}.stealing`);
  await (
    await holdLock(file, { what: 'it', within: 15_000 })
  )();
  expect(await readdir(folder)).toEqual([]);
});

test('a process in another place cannot be judged from here; a stopped one lives; an ended one does not', async () => {
  expect(await isAlive({ ...(await thisProcess()), place: 'elsewhere' })).toBeUndefined();
  const child = execa('sleep', ['60'], { reject: false });
  const identity = { ...(await thisProcess()), pid: child.pid ?? 0, started: (await startOf(child.pid ?? 0)) ?? '' };
  child.kill('SIGSTOP');
  expect(await isAlive(identity)).toBe(true);
  child.kill('SIGKILL');
  await child;
  expect(await isAlive(identity)).toBe(false);
});
