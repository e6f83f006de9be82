import { expect, test } from 'vitest';
import type { InARow, Load, LoadCall } from '../probe/load.ts';
import { underLoad } from './under-load.ts';
import type { Client } from './workload.ts';

const load: Load = { url: 'http://httpbin/hostname', perSecond: 1, atMost: 60 };
const calls = Array.from({ length: 10 }, (_, at): LoadCall => ({
  at,
  status: at === 4 ? 503 : 200,
  exitCode: 0,
  seconds: 0.1,
  body: at < 5 ? 'httpbin-a' : 'httpbin-b',
}));
const until = (what: string): InARow => ({ what, each: () => true, calls: 2, within: 1_000 });

/** A load whose clock is told: each look at it comes a second, or three, after the last one. */
function clientWith(done: string[], never?: string): Client {
  let now = 0;
  return {
    startLoad: () => ({
      moment: () => Promise.resolve(now),
      shows: ({ what }: InARow) => {
        done.push(`until ${what}`);
        return Promise.resolve({ at: (now += 3), shown: what !== never });
      },
      end: () => Promise.resolve({ calls }),
    }),
  } as unknown as Client;
}

const step =
  (done: string[]) =>
  async <T>(key: string, _title: string, work: () => Promise<T>): Promise<T> => {
    done.push(key);
    return await work();
  };

test('each thing happens as a step of its own, once the load shows what the one before it came to', async () => {
  const done: string[] = [];
  const happens = (what: string) => (): Promise<unknown> => Promise.resolve(done.push(what));
  const { since, settledAfter, all } = await underLoad({ step: step(done) }, clientWith(done), load, [
    ['call', 'call it', happens('called'), until('a')],
    ['kill', 'kill it', happens('killed'), until('b')],
  ]);
  expect(done).toEqual(['call', 'called', 'until a', 'kill', 'killed', 'until b', 'load']);
  // The first event's calls up to the second event's begin; the last one's up to the end: no call belongs to nobody.
  expect([since('call').all, since('kill').all, all.all]).toEqual([3, 7, 10]);
  expect([since('call').failed, since('kill').failed, all.failed]).toEqual([0, 1, 1]);
  const byB = ({ body }: LoadCall): boolean => body === 'httpbin-b';
  expect([settledAfter('call').servedBy(byB), settledAfter('kill').servedBy(byB)]).toEqual([0, 2]);
});

test('after a thing that calls never show nothing more happens, and what is about that is not reached', async () => {
  const done: string[] = [];
  const happens = (what: string) => (): Promise<unknown> => Promise.resolve(done.push(what));
  const { since, all, happened } = await underLoad({ step: step(done) }, clientWith(done, 'a'), load, [
    ['call', 'call it', happens('called'), until('a')],
    ['kill', 'kill it', happens('killed'), until('b')],
  ]);
  expect(done).toEqual(['call', 'called', 'until a', 'load']);
  // All calls belong to the last thing that happened.
  expect([since('call').all, all.all]).toEqual([10, 10]);
  await happened('call');
  await expect(happened('kill')).rejects.toMatchObject({
    code: 'MP701',
    details: { expected: '2 calls in a row with a, within 1 s', seen: 'none so many, after “call it”' },
  });
  expect(done.at(-1)).toBe('reach-kill');
});
