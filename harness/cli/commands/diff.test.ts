import { readFile } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import type { RunDiff } from '../../report/diff/run-diff.ts';
import { runRecordSchema } from '../../report/run-data.ts';
import { tellDiff } from './diff.ts';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const same: RunDiff = {
  base: 'a',
  head: 'b',
  regressions: [],
  otherVerdicts: [],
  unmatched: [],
  timings: [],
  config: [],
  dumps: { compared: 0, note: undefined },
};
const regression = {
  scenario: 's',
  claim: 'c',
  says: 'it holds',
  base: 'passed',
  head: 'failed',
  reason: undefined,
  diagnosis: undefined,
} as const;

async function told(diff: RunDiff, verdict: 'passed' | 'error'): Promise<unknown> {
  const run = runRecordSchema.parse(
    JSON.parse(await readFile(new URL('../../../fixtures/runs/three-scenarios.json', import.meta.url), 'utf8')),
  );
  let text = '';
  vi.stubEnv('GITHUB_STEP_SUMMARY', undefined);
  vi.spyOn(process.stdout, 'write').mockImplementation((more) => {
    text += String(more);
    return true;
  });
  await tellDiff(diff, ['verdicts'], true, { ...run, verdict });
  return JSON.parse(text);
}

test('a gate tells a verdict, and how many claims of the head hold, beside the comparison', async () => {
  expect(await told(same, 'passed')).toMatchObject({ base: 'a', verdict: 'passed', claims: { passed: 24, failed: 0 } });
  expect(await told({ ...same, regressions: [regression] }, 'passed')).toMatchObject({ verdict: 'failed' });
  expect(process.exitCode).toBe(1);
  expect(await told(same, 'error')).toMatchObject({ verdict: 'error' });
});
