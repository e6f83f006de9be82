import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { thisProcess } from '../../process/process-identity.ts';
import { closeKilledRuns } from './killed-runs.ts';
import { openRun } from './open-run.ts';
import { RunRecord } from './run-record.ts';

let reports: string;
beforeEach(async () => {
  reports = await mkdtemp(join(tmpdir(), 'meshproof-killed-'));
});
afterEach(async () => {
  await rm(reports, { recursive: true });
});

const begin = (): Promise<RunRecord> =>
  RunRecord.begin(reports, { command: ['run'], provider: 'kind', clusters: ['west', 'east'] });
const lastAlive = new Date('2026-01-02T03:04:05.000Z');

test('a run whose process is gone becomes an error, with when it was last alive', async () => {
  const record = await begin();
  await record.save({ process: { ...(await thisProcess()), started: 'before' } });
  await utimes(record.file, lastAlive, lastAlive);
  expect(await closeKilledRuns(reports)).toEqual([record.data.run]);
  const { data } = await openRun(record.folder);
  expect(data).toMatchObject({ verdict: 'error', error: { code: 'MP902' }, endedAt: lastAlive.toISOString() });
  expect(data.error?.message).toContain(`last alive ${lastAlive.toISOString()}`);
  expect(await closeKilledRuns(reports)).toEqual([]);
});

test.each([
  ['passed', {}, 'error'],
  ['passed', { endedAt: lastAlive.toISOString() }, 'passed'],
  ['failed', {}, 'failed'],
] as const)('a run that %s and was killed while it took its environment down: %j', async (verdict, end, is) => {
  const record = await begin();
  await record.save({ process: { ...(await thisProcess()), started: 'before' }, verdict, ...end });
  expect(await closeKilledRuns(reports)).toEqual(is === 'error' ? [record.data.run] : []);
  expect((await openRun(record.folder)).data.verdict).toBe(is);
});

test('a run that is at work, however long it was silent, stays as it is', async () => {
  const record = await begin();
  await utimes(record.file, lastAlive, lastAlive);
  expect(await closeKilledRuns(reports)).toEqual([]);
  expect((await openRun(record.folder)).data.verdict).toBe('running');
});

test('a record of a version that named no process counts by its last sign of life', async () => {
  const record = await begin();
  await record.save({ process: undefined });
  expect(await closeKilledRuns(reports)).toEqual([]);
  await utimes(record.file, lastAlive, lastAlive);
  expect(await closeKilledRuns(reports)).toEqual([record.data.run]);
});

test('folders that are no runs, and records that cannot be read, are left alone', async () => {
  const record = await begin();
  await writeFile(record.file, '{"verdict":"running"');
  await writeFile(join(reports, 'notes.txt'), 'mine');
  expect(await closeKilledRuns(reports)).toEqual([]);
  expect(await readFile(record.file, 'utf8')).toBe('{"verdict":"running"');
});
