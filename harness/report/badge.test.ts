import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { badgeJson, badgeOf, badgeSvg } from './badge.ts';
import { runRecordSchema } from './run-data.ts';

const run = runRecordSchema.parse(
  JSON.parse(readFileSync(new URL('../../fixtures/runs/three-scenarios.json', import.meta.url), 'utf8')),
);
const changed = (verdict: 'failed' | 'error'): typeof run => ({
  ...run,
  verdict,
  scenarios: run.scenarios.map((scenario, index) =>
    index > 0
      ? scenario
      : { ...scenario, claims: scenario.claims.map((claim, place) => (place > 0 ? claim : { ...claim, verdict })) },
  ),
});

describe('a badge', () => {
  test('counts the claims that hold', () => {
    expect(badgeOf(run)).toMatchObject({
      message: expect.stringMatching(/^(\d+) of \1 claims$/),
      color: 'brightgreen',
    });
  });

  test('is red when one does not hold, and gives no count when one has no answer', () => {
    expect(badgeOf(changed('failed'))).toMatchObject({ color: 'red' });
    expect(badgeOf(changed('error'))).toMatchObject({ color: 'orange', message: 'no verdict' });
    expect(badgeOf({ ...run, scenarios: [] })).toMatchObject({ color: 'orange' });
  });

  test('is a picture without anything from the network, and keeps a label from being markup', () => {
    const svg = badgeSvg(badgeOf(run, '1.30 <on> v1.34'));
    expect(svg).toContain('1.30 &lt;on&gt; v1.34');
    expect(svg.replaceAll('http://www.w3.org/2000/svg', '')).not.toContain('http');
    expect(JSON.parse(badgeJson(badgeOf(run)))).toMatchObject({ schemaVersion: 1, color: 'brightgreen' });
  });
});
