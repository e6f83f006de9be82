import { expect, test } from 'vitest';
import { delivered } from './delivery.ts';
import type { ProxySync } from './readiness.ts';

const nonce = (push: number): string => `2026-11-26T00:00:00Z/${push}7d9f4b6c-5d00-4b1e-9c1f-0a1b2c3d4e5f`;
const sync = (sent: number, acked: number): ProxySync => ({
  proxy: 'sleep-1.foo',
  cluster_sent: nonce(sent),
  cluster_acked: nonce(acked),
});

/** A watch whose clock, istiod and proxies are set by hand. */
function watch(): (second: number, holds: boolean, proxies: readonly ProxySync[] | undefined) => Promise<boolean> {
  let state: { readonly second: number; readonly holds: boolean; readonly proxies: readonly ProxySync[] | undefined } =
    {
      second: 0,
      holds: false,
      proxies: [],
    };
  const settled = delivered(
    () => Promise.resolve(state.holds),
    () => Promise.resolve(state.proxies),
    () => state.second * 1_000,
  );
  return async (second, holds, proxies) => {
    state = { second, holds, proxies };
    return await settled();
  };
}

test('on a quiet mesh all is there five seconds after the last push was acknowledged', async () => {
  const at = watch();
  expect(await at(0, false, [sync(1, 1)])).toBe(false);
  expect(await at(20, false, [sync(1, 1)])).toBe(false);
  expect(await at(21, true, [sync(2, 1)])).toBe(false);
  expect(await at(23, true, [sync(2, 2)])).toBe(false);
  expect(await at(27, true, [sync(2, 2)])).toBe(false);
  expect(await at(28.5, true, [sync(2, 2)])).toBe(true);
});

test('what is sent and not acknowledged is still on its way', async () => {
  const at = watch();
  for (const second of [0, 2, 4, 6, 8, 10]) expect(await at(second, true, [sync(2, 1)])).toBe(false);
});

test('on a busy mesh, where pushes never end, the second newer one holds it all', async () => {
  const at = watch();
  expect(await at(0, true, [sync(11, 10)])).toBe(false);
  expect(await at(1, true, [sync(12, 11)])).toBe(false);
  expect(await at(2, true, [sync(13, 12)])).toBe(false);
  // A look came in between, which saw what was acknowledged then.
  expect(await at(3, true, [sync(14, 13)])).toBe(true);
});

test('a proxy that is not connected, or nobody to ask, settles nothing', async () => {
  const at = watch();
  for (const second of [0, 4, 8, 12]) expect(await at(second, true, undefined)).toBe(false);
  for (const second of [14, 18, 22]) expect(await at(second, true, [])).toBe(false);
});

test('many proxies with many types are quiet together, not one after the other', async () => {
  const at = watch();
  const all = ['sleep-1.foo', 'gateway-1.istio-system', 'gateway-2.istio-system'].map((proxy): ProxySync => ({
    ...sync(1, 1),
    proxy,
    listener_sent: nonce(1),
    listener_acked: nonce(1),
  }));
  expect(await at(0, true, all)).toBe(false);
  expect(await at(4, true, all)).toBe(false);
  expect(await at(5.5, true, all)).toBe(true);
});
