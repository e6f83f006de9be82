import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatDiff } from '../report/diff/run-diff.ts';
import { diffRuns } from './diff-runs.ts';
import { leadElsewhere, unpackRun, type RecordedRun } from '../../fixtures/runs/recorded-run.ts';

const folders = new Map<RecordedRun, string>();
beforeAll(async () => {
  for (const name of ['green-july', 'green-april', 'green-august', 'fault-tls'] as const)
    folders.set(name, await unpackRun(name));
});
afterAll(async () => {
  for (const folder of folders.values()) await rm(folder, { recursive: true });
});
const at = (name: RecordedRun): string => folders.get(name) ?? '';

describe('two runs of one mesh', () => {
  test('differ in nothing but their addresses, hashes and times, and those are no difference', async () => {
    const diff = await diffRuns(at('green-july'), at('green-august'));
    expect(diff.regressions).toEqual([]);
    expect(diff.otherVerdicts).toEqual([]);
    expect(diff.config).toEqual([]);
    expect(diff.dumps).toEqual({ compared: 32, note: undefined });
  });

  test('that differ in one endpoint differ in that alone', async () => {
    const putBack = await leadElsewhere(at('green-august'), /node-port-client_sleep.*config-dump\.json$/);
    const { config } = await diffRuns(at('green-july'), at('green-august'));
    await putBack();
    expect(new Set(config.map(({ kind }) => kind))).toEqual(new Set(['cluster']));
    expect(config[0]).toMatchObject({
      path: expect.stringContaining('sni'),
      base: 'outbound_.8000_._.httpbin.node-port-server.global',
      head: 'outbound_.8000_._.somebody.node-port-server.global',
      resources: ['outbound|8000||httpbin.node-port-server.global'],
      proxies: ['node-port · west node-port-client/sleep'],
    });
  });
});

test('two builds of Istio, four months apart: what changed in Envoy’s configuration, each change once', async () => {
  const diff = await diffRuns(at('green-april'), at('green-august'));
  expect(diff.regressions).toEqual([]);
  expect(diff.config.map(({ kind, path, base, head }) => [kind, path.split('.').at(-1), base, head].join(' '))).toEqual(
    expect.arrayContaining([
      'cluster healthy_panic_threshold  {}',
      'bootstrap coalesce_lb_rebuilds_on_batch_update  false',
    ]),
  );
  expect(diff.config.length).toBeLessThan(5);
  expect(diff.config.every(({ proxies }) => proxies.length === 32)).toBe(true);
});

test('a run that lost claims: each is a regression with its diagnosis; a shared reason stands once', async () => {
  const diff = await diffRuns(at('green-july'), at('fault-tls'));
  expect(diff.regressions).toHaveLength(6);
  expect(diff.regressions[0]?.diagnosis).toContain('MP805');
  expect(diff.unmatched).toHaveLength(13);
  const told = formatDiff(diff);
  expect(told.match(/for the same reason/g)).toHaveLength(5);
  expect(told).toContain('passed → **notReached**');
  expect(
    diff.config.some(
      ({ kind, resources }) => kind === 'cluster' && resources.includes('outbound|8000||httpbin.bar.global'),
    ),
  ).toBe(true);
});
