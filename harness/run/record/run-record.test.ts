import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ScenarioResult } from '../../scenario/claims.ts';
import { countClaims, phaseSeconds, runRecordSchema } from '../../report/run-data.ts';
import { RunRecord } from './run-record.ts';

let reports: string;
beforeEach(async () => {
  reports = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
});
afterEach(async () => {
  await rm(reports, { recursive: true });
});

const begin = (): Promise<RunRecord> =>
  RunRecord.begin(reports, { command: ['run'], provider: 'kind', clusters: ['west', 'east'] });
const result = (id: string, ...verdicts: ScenarioResult['claims'][number]['verdict'][]): ScenarioResult => ({
  id,
  section: 's',
  seconds: 1,
  steps: [],
  evidence: '',
  replaced: [],
  claims: verdicts.map((verdict, index) => ({
    key: `c${index}`,
    name: 'it holds',
    verdict,
    seconds: 0,
    actions: [],
    hops: [],
  })),
});

test('a run has a readable run.json from its first moment, and after each change', async () => {
  const record = await begin();
  const read = async (): Promise<unknown> => runRecordSchema.parse(JSON.parse(await readFile(record.file, 'utf8')));
  expect(await read()).toMatchObject({ verdict: 'running', scenarios: [] });
  await record.addScenario(result('a', 'passed'));
  expect(await read()).toMatchObject({ scenarios: [{ id: 'a' }] });
});

test('a phase is recorded when it fails too, and one in two parts keeps its beginning', async () => {
  const record = await begin();
  await expect(record.phase('teardown', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const { from } = record.data.phases.teardown ?? { from: -1 };
  await record.phase('teardown', () => Promise.resolve());
  expect(record.data.phases.teardown?.from).toBe(from);
});

test('a second process goes on with the same record, which is here again at its end', async () => {
  const record = await begin();
  await record.handOver();
  await expect(record.save({ verdict: 'passed' })).rejects.toMatchObject({ code: 'MP999' });
  const other = await RunRecord.open(record.folder);
  await other.save({ verdict: 'passed' });
  await record.takeBack({ verdict: 'failed' });
  expect(record.data.verdict).toBe('passed');
  await record.save({ endedAt: new Date(Date.parse(record.data.startedAt) + 61_000).toISOString() });
  const again = await RunRecord.open(record.folder);
  expect(again.data.verdict).toBe('passed');
  expect(phaseSeconds(again.data)['total']).toBe(61);
});

test('what a process says at its end counts where it could not write it', async () => {
  const record = await begin();
  await record.handOver();
  await record.takeBack({ verdict: 'error', error: { code: 'MP220', message: 'the disk is full' } });
  expect(record.data).toMatchObject({ verdict: 'error', error: { code: 'MP220' } });
});

test('claims are counted by verdict, and a replayed scenario counts once', async () => {
  const record = await begin();
  await record.addScenario(result('a', 'failed', 'failed'));
  await record.addScenario(result('a', 'passed', 'failed', 'notSupported', 'notReached', 'error'));
  expect(countClaims(record.data)).toEqual({ passed: 1, failed: 1, notSupported: 1, notReached: 1, error: 1 });
});
