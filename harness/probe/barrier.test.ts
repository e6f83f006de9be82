import { expect, test } from 'vitest';
import { refusalsIn } from './access-log.ts';
import { barrier, type Pushes } from './barrier.ts';
import { recordedDump } from './recorded.ts';
import type { Hop } from './trace.ts';

const hop = (found: string | undefined): Hop[] => [
  { proxy: 'p', hop: 'route', expected: 'a route', found, nearest: ['another'] },
];
const versions = (push: string): Readonly<Record<string, string>> => ({ cluster: push, listener: push, route: push });
/** All that was sent is acknowledged. */
const taken = (push: string): Pushes => ({
  versions: versions(push),
  acknowledged: versions(push),
  unacknowledged: [],
});
const acknowledged = taken('2099-01-01T00:00:00Z/999');
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
  const lagging = taken('2020-01-01T00:00:00Z/0');
  expect(await passing([undefined, lagging, acknowledged], [hop(undefined), hop('found')])).toMatchObject({
    error: undefined,
  });
});

test('waits for the name table, which is sent last and is in no dump', async () => {
  const pushed = (acked: Readonly<Record<string, string>>): Pushes => ({
    versions: { ...versions('2099-01-01T00:00:00Z/9'), 'name table': '2099-01-01T00:00:00Z/9' },
    acknowledged: { ...versions('2099-01-01T00:00:00Z/9'), ...acked },
    unacknowledged: acked['name table'] === '2099-01-01T00:00:00Z/9' ? [] : ['name table'],
  });
  const never = await passing([pushed({})], undefined, 250);
  const waits = { details: { seen: expect.stringContaining('name table') as string } };
  expect(never.error).toMatchObject(waits);
  const old = { 'name table': '2020-01-01T00:00:00Z/1' };
  expect((await passing([pushed(old)], undefined, 250)).error).toMatchObject(waits);
  expect(await passing([pushed(old), pushed({ 'name table': '2099-01-01T00:00:00Z/9' })])).toMatchObject({
    error: undefined,
  });
  // A newer, unrelated push of it is under way: the one that was acknowledged holds what the dump holds.
  expect(await passing([pushed({ 'name table': '2099-01-01T00:00:00Z/8' })], undefined, 250)).toEqual({
    error: undefined,
    looks: 2,
  });
});

test('opens while other pushes never end: each newer one may still be on its way', async () => {
  // What istiod sends a namespace that changes ten times a second: at no look has the proxy acknowledged the last push.
  const busy = Array.from({ length: 40 }, (_, push): Pushes => ({
    versions: versions(`2099-01-01T00:00:00Z/${push + 1}`),
    acknowledged: versions(`2099-01-01T00:00:00Z/${push}`),
    unacknowledged: ['cluster', 'listener', 'route'],
  }));
  expect(await passing(busy)).toEqual({ error: undefined, looks: 2 });
});

test('a dump of a newer version than the acknowledged one does not pass', async () => {
  const { error } = await passing([taken('2020-01-01T00:00:00Z/0')]);
  expect(error).toMatchObject({
    code: 'MP701',
    details: { seen: expect.stringContaining('newer than what istiod knows') },
  });
});

test('what was sent and never acknowledged does not pass', async () => {
  const { error } = await passing([{ ...acknowledged, acknowledged: {} }]);
  expect(error).toMatchObject({ code: 'MP701', details: { seen: expect.stringContaining('(nothing)') } });
});

test('after istiod restarts its count begins anew: a later time with a lower count is the newer version', async () => {
  expect(await passing([taken('2099-01-01T00:00:00Z/1')])).toMatchObject({ error: undefined });
});

test('says what hop is missing', async () => {
  expect((await passing([acknowledged], [hop(undefined)])).error).toMatchObject({
    details: { seen: expect.stringContaining('nearest: another') },
  });
});

test.each([
  [
    'gRPC config',
    'envoy.config.cluster.v3.Cluster',
    'Error adding/updating cluster(s) outbound|8000||httpbin.bar.global: …',
  ],
  ['delta config', 'envoy.config.route.v3.RouteConfiguration', 'Only unique values for domains are permitted'],
])('a %s that the proxy refused ends the wait, whatever its type', async (how, type, words) => {
  const log =
    `2026-11-26T00:00:00Z\twarning\tenvoy config external/x.cc:1\t${how} for type.googleapis.com/${type} ` +
    `rejected: ${words}\tthread=1\n`;
  const failing = barrier({
    proxy: 'p',
    within: 30_000,
    dump: () => Promise.resolve(dump),
    pushes: () => Promise.resolve(acknowledged),
    trace: () => hop(undefined),
    refusals: () => Promise.resolve(refusalsIn(log)),
  });
  await expect(failing).rejects.toMatchObject({
    code: 'MP704',
    details: {
      seen: expect.stringContaining(`${type} rejected: ${words}`),
      expected: expect.stringContaining('a route'),
    },
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
