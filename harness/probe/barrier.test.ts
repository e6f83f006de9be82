import { expect, test } from 'vitest';
import { barrier, unchangedFor, type Pushes } from './barrier.ts';
import { recordedDump } from './recorded.ts';
import type { Hop } from './trace.ts';

const hop = (found: string | undefined): Hop[] => [
  { proxy: 'p', hop: 'route', expected: 'a route', found, nearest: ['another'] },
];
const acknowledged: Pushes = {
  versions: { cluster: '2099-01-01T00:00:00Z/999', listener: '2099-01-01T00:00:00Z/999' },
  unacknowledged: [],
};
const dump = recordedDump('sleep');

/** A barrier over a real dump, with istiod's answers in turn (the last for ever) and the trace's. */
async function passing(
  pushes: readonly (Pushes | undefined)[],
  traced: readonly Hop[][] = [hop('found')],
  within = 700,
): Promise<{ readonly error: unknown; readonly looks: number }> {
  let asked = 0;
  let looks = 0;
  const turn = <T>(list: readonly T[], index: number): T => list[Math.min(index, list.length - 1)] as T;
  const error: unknown = await barrier({
    proxy: 'west foo/sleep',
    within,
    dump: () => Promise.resolve(dump),
    pushes: () => Promise.resolve(turn(pushes, asked++)),
    trace: () => turn(traced, looks++),
  }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { error, looks };
}

test('opens when the path holds before and after the acknowledgement', async () => {
  expect(await passing([acknowledged])).toEqual({ error: undefined, looks: 2 });
});

test('waits for a path that is on its way, and for the acknowledgement', async () => {
  const lagging = { ...acknowledged, unacknowledged: ['listener'] };
  expect(await passing([undefined, lagging, acknowledged], [hop(undefined), hop('found')])).toMatchObject({
    error: undefined,
  });
});

test('a push between the looks starts the look anew', async () => {
  const next = { ...acknowledged, versions: { cluster: '2099-01-01T00:00:00Z/1000' } };
  expect(await passing([acknowledged, next, next])).toEqual({ error: undefined, looks: 4 });
});

test('a dump of a newer version than the acknowledged one does not pass', async () => {
  const old = { ...acknowledged, versions: { cluster: '2020-01-01T00:00:00Z/0', listener: '2020-01-01T00:00:00Z/0' } };
  const { error } = await passing([old]);
  expect(error).toMatchObject({
    code: 'MP701',
    details: { seen: expect.stringContaining('newer than what istiod knows') },
  });
});

test('after istiod was restarted its count begins anew: a later time with a lower count is the newer version', async () => {
  const restarted = {
    ...acknowledged,
    versions: { cluster: '2099-01-01T00:00:00Z/1', listener: '2099-01-01T00:00:00Z/1' },
  };
  expect(await passing([restarted])).toMatchObject({ error: undefined });
});

test('says which acknowledgement is outstanding, or what hop is missing', async () => {
  expect((await passing([{ ...acknowledged, unacknowledged: ['route'] }])).error).toMatchObject({
    code: 'MP701',
    details: { seen: expect.stringContaining('acknowledgement of route') },
  });
  expect((await passing([acknowledged], [hop(undefined)])).error).toMatchObject({
    details: { seen: expect.stringContaining('nearest: another') },
  });
});

test('a rejected push ends the wait at once, with Envoy’s words', async () => {
  const rejected = recordedDump('sleep', (text) =>
    text.replace(
      '"name":"0.0.0.0_8000","active_state"',
      '"name":"0.0.0.0_8000","error_state":{"details":"duplicate filter chain"},"active_state"',
    ),
  );
  const started = performance.now();
  const failing = barrier({
    proxy: 'p',
    within: 30_000,
    dump: () => Promise.resolve(rejected),
    pushes: () => Promise.resolve(acknowledged),
    trace: () => hop('found'),
  });
  await expect(failing).rejects.toMatchObject({ code: 'MP704', details: { seen: 'duplicate filter chain' } });
  expect(performance.now() - started).toBeLessThan(5_000);
});

test('what stays the same long enough is settled; what changes or cannot be told is not', async () => {
  let [now, state]: [number, string | undefined] = [0, 'a'];
  const settled = unchangedFor(
    () => Promise.resolve(state),
    5_000,
    () => now,
  );
  const at = async (second: number, seen: string | undefined): Promise<boolean> => {
    [now, state] = [second * 1_000, seen];
    return await settled();
  };
  expect(await at(0, 'a')).toBe(false);
  expect(await at(4, 'a')).toBe(false);
  expect(await at(5, 'b')).toBe(false);
  expect(await at(9, 'b')).toBe(false);
  expect(await at(9.5, undefined)).toBe(false);
  expect(await at(10.5, 'b')).toBe(true);
  expect(await at(12, undefined)).toBe(false);
  expect(await at(18, 'b')).toBe(false);
  expect(await at(23, 'b')).toBe(true);
});
