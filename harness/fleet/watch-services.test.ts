import { expect, test, vi } from 'vitest';
import { again, Coalesced } from './watch-services.ts';

const quick = { quiet: 1, firstRetry: 1, lastRetry: 20 };

test('a hundred changes during slow work make one more piece of it', async () => {
  let [done, release]: [number, () => void] = [0, () => undefined];
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  const worker = new Coalesced(
    async () => {
      done += 1;
      if (done === 1) await slow;
    },
    new AbortController().signal,
    () => undefined,
    quick,
  );
  worker.ask();
  await vi.waitFor(() => {
    expect(done).toBe(1);
  });
  for (let change = 0; change < 100; change += 1) worker.ask();
  release();
  await worker.settled();
  expect(done).toBe(2);
});

test('work that fails is reported, and done again until it succeeds', async () => {
  const told: unknown[] = [];
  let tries = 0;
  const worker = new Coalesced(
    () => (++tries < 3 ? Promise.reject(new Error(`ECONNREFUSED ${tries}`)) : Promise.resolve()),
    new AbortController().signal,
    (error) => told.push(error),
    quick,
  );
  worker.ask();
  await worker.settled();
  expect({ tries, told: told.length }).toEqual({ tries: 3, told: 2 });
});

test('a watch that breaks is begun anew, and what changed meanwhile is asked for', async () => {
  const end = new AbortController();
  let [begun, resumed] = [0, 0];
  await again(
    () => {
      begun += 1;
      if (begun === 3) end.abort();
      return begun === 1 ? Promise.reject(new Error('ECONNRESET')) : Promise.resolve();
    },
    end.signal,
    () => undefined,
    () => {
      resumed += 1;
    },
    quick,
  );
  expect({ begun, resumed }).toEqual({ begun: 3, resumed: 2 });
});

test('an abort ends a pause at once', async () => {
  const end = new AbortController();
  const running = again(
    () => Promise.reject(new Error('no')),
    end.signal,
    () => {
      end.abort();
    },
    () => undefined,
    { ...quick, firstRetry: 60_000 },
  );
  await running;
  expect(end.signal.aborted).toBe(true);
});
