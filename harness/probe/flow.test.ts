import { expect, test } from 'vitest';
import { watchFlow } from './flow.ts';
import type { Carried, Proxy } from './proxy.ts';

/** A proxy whose counters are these, one after the other. */
const proxy = (name: string, ...counters: Carried[]): Proxy =>
  ({ name, carried: () => Promise.resolve(counters.shift()) }) as unknown as Proxy;
const carried = (connections: number, bytes: number): Carried => ({ connections, bytes });

test('what any pod of a gateway carried is what the gateway carried', async () => {
  const idle = proxy('gateway-1', carried(1, 10), carried(1, 10));
  const busy = proxy('gateway-2', carried(2, 20), carried(3, 500));
  const { value, moved } = await watchFlow([{ proxy: idle, beside: [busy], cluster: 'c' }], () => Promise.resolve(7));
  expect(value).toBe(7);
  expect(moved).toEqual([{ proxy: 'gateway-1', cluster: 'c', before: carried(3, 30), after: carried(4, 510) }]);
});
