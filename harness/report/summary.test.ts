import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runRecordSchema } from './run-data.ts';
import { summary, worstOf } from './summary.ts';

const run = runRecordSchema.parse(
  JSON.parse(readFileSync(new URL('../../fixtures/runs/three-scenarios.json', import.meta.url), 'utf8')),
);

test('a row for each section, with what stands in for what is gone', () => {
  expect(summary(run)).toMatch(
    /\| Setup DNS \| `dns-stub-domain` \| 10 of 10 ✓ \| [\d.]+ s \| istiocoredns \(gone since 1\.9\) \|/,
  );
});

test('a claim that does not hold shows with its reason, below the table', () => {
  const [first, ...rest] = run.scenarios;
  const claims = (first?.claims ?? []).map((claim, at) =>
    at === 0 ? { ...claim, verdict: 'failed' as const, reason: 'the path breaks\nat the filter chain' } : claim,
  );
  const text = summary({ ...run, scenarios: first === undefined ? rest : [{ ...first, claims }, ...rest] });
  expect(text).toContain('4 of 5 ✗');
  expect(text).toContain('  the path breaks\n  at the filter chain');
});

test('one claim that failed outweighs all that hold; nothing at all is no pass', () => {
  expect(worstOf([{ verdict: 'passed' }, { verdict: 'failed' }])).toBe('failed');
  expect(worstOf([{ verdict: 'passed' }, { verdict: 'notSupported' }])).toBe('passed');
  expect(worstOf([])).toBe('error');
});
