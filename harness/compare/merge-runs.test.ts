import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runRecordSchema, type RunData } from '../report/run-data.ts';
import { mergeRuns } from './merge-runs.ts';
import { unpackRun } from '../../fixtures/runs/recorded-run.ts';
import { replay } from './replay.ts';
import { writeReports } from '../run/record/reports.ts';

let folder: string;
let whole: RunData;
/** Two parts of a recorded run, as two machines would have left them. */
let parts: [string, string];

const recordOf = async (run: string): Promise<RunData> =>
  runRecordSchema.parse(JSON.parse(await readFile(join(run, 'run.json'), 'utf8')));
const change = async (run: string, changes: Partial<RunData>): Promise<void> => {
  await writeFile(join(run, 'run.json'), JSON.stringify({ ...(await recordOf(run)), ...changes }));
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  const recorded = await unpackRun('green');
  whole = await recordOf(recorded);
  const half = Math.ceil(whole.scenarios.length / 2);
  parts = [join(folder, 'first'), join(folder, 'second')];
  for (const [index, part] of parts.entries()) {
    await cp(recorded, part, { recursive: true });
    const scenarios = index === 0 ? whole.scenarios.slice(0, half) : whole.scenarios.slice(half);
    await change(part, { run: `20260101-00000${index}-1`, scenarios, shard: { index: index + 1, count: 2 } });
    const kept = scenarios.map(({ id }) => id);
    for (const { id } of whole.scenarios)
      if (!kept.includes(id)) await rm(join(part, 'evidence', id), { recursive: true });
  }
  await rm(recorded, { recursive: true });
}, 60_000);
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A copy of the parts that a test may change. */
async function copies(): Promise<[string, string]> {
  const place = await mkdtemp(join(folder, 'copy-'));
  for (const [index, part] of parts.entries()) await cp(part, join(place, String(index)), { recursive: true });
  return [join(place, '0'), join(place, '1')];
}
const reports = async (): Promise<string> => await mkdtemp(join(folder, 'reports-'));
const refused = (message: string): unknown =>
  expect.objectContaining({ code: 'MP723', message: expect.stringContaining(message) });

describe('shards become one run', () => {
  test('with every claim, one verdict and the time from the first beginning to the last end', async () => {
    const [first, second] = await copies();
    await change(second, {
      startedAt: new Date(Date.parse(whole.startedAt) + 60_000).toISOString(),
      endedAt: new Date(Date.parse(whole.startedAt) + 600_000).toISOString(),
    });
    // The order in which they are named does not matter.
    const { data, folder: merged } = await mergeRuns([second, first], await reports());
    expect(data.verdict).toBe('passed');
    expect(data.scenarios).toEqual(whole.scenarios);
    expect(data.startedAt).toBe(whole.startedAt);
    expect(Date.parse(data.endedAt ?? '') - Date.parse(data.startedAt)).toBe(600_000);
    expect(data.phases.scenarios?.to).toBe((whole.phases.scenarios?.to ?? 0) + 60);
    expect(data.merged?.map(({ shard }) => shard)).toEqual(['1/2', '2/2']);
    expect(await recordOf(merged)).toEqual(data);
    await writeReports(merged, data);
    expect(await readdir(merged)).toEqual(
      expect.arrayContaining(['report.html', 'conformance.yaml', 'walkthrough.md']),
    );
  });

  test('with what each machine’s clusters took, under the place of its shard', async () => {
    const parts = await copies();
    for (const [index, part] of parts.entries())
      await change(part, {
        startedAt: new Date(Date.parse(whole.startedAt) + index * 60_000).toISOString(),
        bringUp: [{ cluster: 'west', what: 'node', from: 1, to: 9 }],
        clusterMemoryBytes: { west: 700_000_000 + index },
        peakMemoryBytes: 1_000 - index,
      });
    const { data } = await mergeRuns([...parts], await reports());
    expect(data.bringUp).toEqual([
      { cluster: 'west (1/2)', what: 'node', from: 1, to: 9 },
      { cluster: 'west (2/2)', what: 'node', from: 61, to: 69 },
    ]);
    expect(data.clusterMemoryBytes).toEqual({ 'west (1/2)': 700_000_000, 'west (2/2)': 700_000_001 });
    expect(data.peakMemoryBytes).toBe(1_000);
  });

  test('whose evidence gives every verdict again, each scenario in the environment that it was played in', async () => {
    const [first, second] = await copies();
    const environment = join(second, 'evidence', 'environment.json');
    const renamed = (await readFile(environment, 'utf8')).replaceAll('"name": "meshproof"', '"name": "elsewhere"');
    await writeFile(environment, renamed);
    const { folder: merged } = await mergeRuns([first, second], await reports());
    expect((await replay(merged)).differences).toEqual([]);
    const last = whole.scenarios.at(-1)?.id ?? '';
    expect(await readFile(join(merged, 'evidence', last, 'environment.json'), 'utf8')).toBe(renamed);
  }, 60_000);

  test('a claim that does not hold in one part does not hold in the whole', async () => {
    const [first, second] = await copies();
    const { scenarios } = await recordOf(second);
    const [one] = scenarios;
    if (one === undefined) throw new Error('the second part has no scenario');
    const broken = { ...one, claims: one.claims.map((claim) => ({ ...claim, verdict: 'failed' as const })) };
    await change(second, { verdict: 'failed', scenarios: [broken, ...scenarios.slice(1)] });
    expect((await mergeRuns([first, second], await reports())).data.verdict).toBe('failed');
  });

  test('a part that ended in an error makes the whole one', async () => {
    const [first, second] = await copies();
    await change(second, { verdict: 'error', error: { code: 'MP502', message: 'MP502 kind did not start' } });
    const { data } = await mergeRuns([first, second], await reports());
    expect([data.verdict, data.error?.code]).toEqual(['error', 'MP502']);
  });

  test('a shard that is missing is named, and the others are kept', async () => {
    const { data } = await mergeRuns([parts[0]], await reports());
    expect(data.verdict).toBe('error');
    expect(data.error?.message).toContain('MP724');
    expect(data.error?.message).toContain('no run of shard 2/2');
    expect(data.scenarios.length).toBeGreaterThan(0);
  });
});

describe('what is no part of the same run is refused, and nothing is written', () => {
  test.each<[string, Partial<RunData>, string]>([
    ['another Istio', { versions: { kubernetes: 'v1.34.4', istio: 'other', edition: 'source' } }, 'differ in Istio'],
    ['other clusters', { clusters: ['north', 'south'] }, 'differ in clusters'],
    ['another number of shards', { shard: { index: 2, count: 3 } }, 'differ in number of shards'],
    ['the same shard', { shard: { index: 1, count: 2 } }, 'the shard 1/2 is there twice'],
  ])('%s', async (_what, changes, message) => {
    const [first, second] = await copies();
    await change(second, changes);
    const target = await reports();
    await expect(mergeRuns([first, second], target)).rejects.toThrow(refused(message));
    expect(await readdir(target)).toEqual([]);
  });

  test('a scenario that two runs have', async () => {
    const [first, second] = await copies();
    await change(second, { scenarios: (await recordOf(first)).scenarios });
    await expect(mergeRuns([first, second], await reports())).rejects.toThrow(refused('is there twice'));
  });

  test('a folder without a run', async () => {
    await expect(mergeRuns([parts[0], folder], await reports())).rejects.toThrow(
      expect.objectContaining({ code: 'MP710' }),
    );
  });

  test('evidence that is a link out of its folder', async () => {
    const [first, second] = await copies();
    const id = (await recordOf(second)).scenarios[0]?.id ?? '';
    const secret = join(folder, 'secret');
    await writeFile(secret, 'a key');
    await symlink(secret, join(second, 'evidence', id, 'link.json'));
    const target = await reports();
    await expect(mergeRuns([first, second], target)).rejects.toThrow(expect.objectContaining({ code: 'MP720' }));
    expect(await readdir(target)).toEqual([]);
  });
});
