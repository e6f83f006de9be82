import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pruneReports } from './prune-reports.ts';
import { RunRecord } from './run-record.ts';

let reports: string;
let template: Record<string, unknown>;
beforeEach(async () => {
  reports = await mkdtemp(join(tmpdir(), 'meshproof-prune-'));
  const record = await RunRecord.begin(reports, { command: ['run'], provider: 'kind', clusters: ['west'] });
  template = JSON.parse(await readFile(record.file, 'utf8')) as Record<string, unknown>;
  await rm(record.folder, { recursive: true });
});
afterEach(async () => {
  await rm(reports, { recursive: true });
});

const nameOf = (day: number): string => `2026010${day}-000000-1`;

async function put(day: number, changes: Record<string, unknown> = {}): Promise<string> {
  const folder = join(reports, nameOf(day));
  await mkdir(folder);
  const data = { ...template, run: nameOf(day), verdict: 'passed', ...changes };
  await writeFile(join(folder, 'run.json'), JSON.stringify(data));
  return folder;
}

test('the newest stay, older ones go', async () => {
  for (const day of [1, 2, 3, 4]) await put(day);
  expect(await pruneReports(reports, { keep: 2 }, [])).toEqual([nameOf(1), nameOf(2)]);
  expect((await readdir(reports)).sort()).toEqual([nameOf(3), nameOf(4)]);
});

test('of these, those that are older than the days that are asked go as well, and never the newest', async () => {
  const daysAgo = (days: number): { startedAt: string } => ({
    startedAt: new Date(Date.now() - days * 86_400_000).toISOString(),
  });
  await put(1, daysAgo(40));
  await put(2, daysAgo(31));
  await put(3, daysAgo(29));
  await put(4, daysAgo(35));
  expect(await pruneReports(reports, { keep: 10 }, [])).toEqual([]);
  expect(await pruneReports(reports, { keep: 10, days: 30 }, [])).toEqual([nameOf(1), nameOf(2)]);
  expect(await pruneReports(reports, { keep: 1, days: 30 }, [])).toEqual([nameOf(3)]);
});

test('the newest is never removed, whatever is asked', async () => {
  await put(1);
  await put(2);
  expect(await pruneReports(reports, { keep: 0 }, [])).toEqual([nameOf(1)]);
});

test('a run at work, and the one that made a kept environment, stay', async () => {
  const kept = await put(1);
  await put(2, { verdict: 'running' });
  await put(3);
  await put(4);
  expect(await pruneReports(reports, { keep: 1 }, [kept])).toEqual([nameOf(3)]);
});

test('what meshproof did not write stays: other names, other content, links', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'meshproof-prune-other-'));
  await writeFile(join(elsewhere, 'mine'), 'mine');
  await symlink(elsewhere, join(reports, nameOf(1)));
  await put(2, { run: 'another' });
  await mkdir(join(reports, nameOf(3)));
  await mkdir(join(reports, 'holiday-pictures'));
  await put(5);
  expect(await pruneReports(reports, { keep: 1 }, [])).toEqual([]);
  expect(await readdir(elsewhere)).toEqual(['mine']);
  await rm(elsewhere, { recursive: true });
});

test('a folder that is not there has nothing to prune', async () => {
  expect(await pruneReports(join(reports, 'nowhere'), { keep: 1 }, [])).toEqual([]);
});
