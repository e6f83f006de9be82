import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { environmentSchema } from '../scenario/environment.ts';
import { diffRuns } from './diff-runs.ts';
import { mergeRuns } from './merge-runs.ts';
import { openRun } from '../run/record/open-run.ts';
import { pruneReports } from '../run/record/prune-reports.ts';
import { replay } from './replay.ts';
import { RunRecord } from '../run/record/run-record.ts';

const runs = ['20260101-000000-1', '20260102-000000-1'] as const;
let reports: string;
let folder: string;
/** A run as it was recorded before claims and steps had keys: by sentences. */
beforeEach(async () => {
  reports = await mkdtemp(join(tmpdir(), 'meshproof-earlier-'));
  const { folder: today, data } = await RunRecord.begin(reports, { command: ['run'], provider: 'kind', clusters: [] });
  await rm(today, { recursive: true });
  const claim = { name: 'The call succeeds over 15443', seconds: 1 };
  const scenario = {
    id: 'node-port',
    section: 's',
    seconds: 1,
    evidence: 'evidence/node-port',
    claims: [
      { ...claim, verdict: 'passed' },
      { ...claim, name: '再见', verdict: 'notReached', reason: 'the step “wait” before it failed' },
    ],
    steps: [{ title: 'wait', seconds: 1 }],
    stopped: { step: 'wait', verdict: 'failed' },
  };
  for (const run of runs) {
    folder = join(reports, run);
    await mkdir(folder);
    const record = { ...data, schema: 1, run, verdict: 'failed', setUp: scenario.steps, scenarios: [scenario] };
    await writeFile(join(folder, 'run.json'), JSON.stringify(record));
  }
});
afterEach(async () => {
  await rm(reports, { recursive: true });
});

const refused = expect.objectContaining({
  code: 'MP725',
  details: expect.objectContaining({ seen: 'schema 1', where: expect.stringContaining('run.json') }),
});

test('a run of the time before keys is not opened, replayed, compared or merged, and says why', async () => {
  const before = await readFile(join(folder, 'run.json'), 'utf8');
  await expect(openRun(folder)).rejects.toThrow(refused);
  await expect(replay(folder)).rejects.toThrow(refused);
  await expect(diffRuns(folder, folder)).rejects.toThrow(refused);
  await expect(mergeRuns([folder], reports)).rejects.toThrow(refused);
  expect(await readFile(join(folder, 'run.json'), 'utf8')).toBe(before);
});

test('it is read where runs are kept in order: an old one is pruned as any other', async () => {
  const { data } = await RunRecord.open(folder);
  expect(data.scenarios[0]?.claims.map(({ key, name }) => [key, name])).toEqual([
    ['s-the-call-succeeds-over-15443', 'The call succeeds over 15443'],
    ['s', '再见'],
  ]);
  expect(data.scenarios[0]).toMatchObject({ steps: [{ key: 's-wait' }], stopped: { key: 's-wait', step: 'wait' } });
  expect(await pruneReports(reports, { keep: 1 }, [])).toEqual([runs[0]]);
  expect(await readdir(reports)).toEqual([runs[1]]);
});

test('an environment that was kept at that time can still be used and taken down', () => {
  const { setUp } = environmentSchema.parse({
    name: 'kept',
    provider: 'kind',
    status: 'ready',
    createdAt: '',
    programs: { kubectl: '', istioctl: '', kind: '', docker: '' },
    versions: { kubernetes: '', istio: '', edition: 'source' },
    images: { httpbin: '', httpbinPort: 8080, curl: '' },
    clusterNames: ['west'],
    clusters: [],
    setUp: [{ title: 'install Istio', seconds: 1 }],
  });
  expect(setUp).toMatchObject([{ key: 's-install-istio', title: 'install Istio' }]);
});
