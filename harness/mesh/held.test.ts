import { describe, expect, test } from 'vitest';
import { acknowledgedNow, calm, heldByAll, type ProxyQuestions } from './held.ts';
import type { ProxySync } from './readiness.ts';

const nonce = (count: number): string => `2026-11-26T10:00:00Z/${count}${'u'.repeat(36)}`;

/** What istiod knows of a proxy that was sent pushes, and acknowledged others. */
const sync = (proxy: string, sent: number, acked = sent, listener = acked): ProxySync => ({
  proxy,
  cluster_sent: nonce(sent),
  cluster_acked: nonce(acked),
  listener_sent: nonce(listener),
  listener_acked: nonce(listener),
});

/** Proxies that answer one look after the other, the last answer for ever. */
function proxies(looks: readonly (readonly ProxySync[])[], has: (proxy: string, look: number) => readonly string[]) {
  let [look, asked] = [0, 0];
  const questions: ProxyQuestions = {
    syncs: () => Promise.resolve(looks[Math.min(look++, looks.length - 1)] ?? []),
    clusters: (proxy) => {
      asked += 1;
      return Promise.resolve(new Set(has(proxy, look)));
    },
  };
  return { questions, looks: () => look, asked: () => asked };
}

const name = 'outbound|8001||remote-1.meshproof-growth.global';
const holding = {
  cluster: 'west',
  before: new Map([
    ['sleep.foo', '2026-11-26T10:00:00Z/4'],
    ['gateway.istio-system', '2026-11-26T10:00:00Z/4'],
  ]),
  names: [name],
  pattern: name,
  within: 400,
  signal: new AbortController().signal,
};

describe('a change is held by every proxy', () => {
  const both = (one: number, other: number): ProxySync[] => [
    sync('sleep.foo', one),
    sync('gateway.istio-system', other),
  ];

  test('once the last one acknowledged a newer push, the next look saw no more, and all dumps have it', async () => {
    const { questions, looks } = proxies([both(4, 4), both(5, 4), both(5, 5), both(5, 5)], () => [name]);
    const begun = performance.now();
    const at = await heldByAll(questions, holding);
    expect(looks()).toBe(4);
    expect(at).toBeGreaterThan(begun);
    expect(at).toBeLessThan(performance.now());
  });

  test('not while a later type is still on its way: the moment is that of its acknowledgement', async () => {
    const late = [sync('sleep.foo', 5, 5, 4), sync('gateway.istio-system', 5)];
    const { questions, looks } = proxies([late, both(5, 5), both(5, 5)], () => [name]);
    await heldByAll(questions, holding);
    expect(looks()).toBe(3);
  });

  test('not by a push that was under way before the change: the dumps have the last word', async () => {
    const { questions, asked } = proxies([both(5, 5)], (_proxy, look) => (look > 4 ? [name] : []));
    await heldByAll(questions, holding);
    expect(asked()).toBeGreaterThan(2);
  });

  test.each([
    [
      'a proxy that did not acknowledge',
      [[sync('sleep.foo', 5, 4), sync('gateway.istio-system', 5)]],
      'sleep.foo: cluster',
    ],
    ['a proxy without a newer push', [both(5, 4)], 'gateway.istio-system: no newer push'],
    ['no proxy at all', [[]], 'no proxy is connected'],
  ])('%s ends in an error that says so', async (_what, looks, seen) => {
    const { questions } = proxies(looks, () => [name]);
    await expect(heldByAll(questions, holding)).rejects.toMatchObject({
      code: 'MP701',
      details: { seen: expect.stringContaining(seen) },
    });
  });

  test('a proxy that does not have it ends in an error that names it', async () => {
    const { questions } = proxies([both(5, 5)], (proxy) => (proxy === 'sleep.foo' ? [name] : []));
    await expect(heldByAll(questions, holding)).rejects.toMatchObject({
      details: { seen: expect.stringMatching(/gateway\.istio-system lacks 1 clusters/) },
    });
  });

  test('what was acknowledged before is read by proxy', async () => {
    const { questions } = proxies([both(5, 4)], () => []);
    expect([...(await acknowledgedNow(questions))]).toEqual([
      ['sleep.foo', '2026-11-26T10:00:00Z/5'],
      ['gateway.istio-system', '2026-11-26T10:00:00Z/4'],
    ]);
  });
});

test('a mesh is calm when several looks in a row see no other push', async () => {
  const { questions, looks } = proxies([[sync('a.b', 1)], [sync('a.b', 2)], [sync('a.b', 2)]], () => []);
  await calm(questions, { cluster: 'west', within: 10_000, signal: new AbortController().signal });
  expect(looks()).toBe(4);
});
