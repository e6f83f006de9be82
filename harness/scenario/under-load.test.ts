import { expect, test } from 'vitest';
import type { Load, LoadCall } from '../probe/load.ts';
import { underLoad } from './under-load.ts';
import type { Client } from './workload.ts';

const load: Load = { url: 'http://httpbin/hostname', perSecond: 1, seconds: 10 };
const calls = Array.from({ length: 10 }, (_, at): LoadCall => ({
  at,
  status: at === 4 ? 503 : 200,
  exitCode: 0,
  seconds: 0.1,
  body: 'httpbin-a',
}));

test('each thing happens at its time as a step of its own, and the load is seen through', async () => {
  const done: string[] = [];
  const client = {
    startLoad: () => ({
      done: Promise.resolve({ calls }),
      reaches: (seconds: number) => Promise.resolve(void done.push(`second ${seconds}`)),
    }),
  } as unknown as Client;
  const step = async <T>(key: string, _title: string, work: () => Promise<T>): Promise<T> => {
    done.push(key);
    return await work();
  };
  const happens = (what: string) => (): Promise<unknown> => Promise.resolve(done.push(what));
  const during = await underLoad({ step }, client, load, [
    ['kill', 'kill it', happens('killed'), 3],
    ['recover', 'wait for it', happens('recovered')],
  ]);
  expect(done).toEqual(['kill', 'second 3', 'killed', 'recover', 'recovered', 'load']);
  expect([during(0, 4).failed, during(4, 10).failed, during(0, 10).servedBy('httpbin-a')]).toEqual([0, 1, 10]);
});
