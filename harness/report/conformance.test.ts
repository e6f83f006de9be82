import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { conformanceReport } from './conformance.ts';
import { runRecordSchema, type RunData } from './run-data.ts';

const run = runRecordSchema.parse(
  JSON.parse(readFileSync(new URL('../../fixtures/runs/three-scenarios.json', import.meta.url), 'utf8')),
);
interface Profile {
  readonly result: string;
  readonly statistics: object;
  readonly scenarios: readonly {
    readonly id: string;
    readonly result: string;
    readonly failedClaims?: object[];
    readonly notSupportedClaims?: object[];
  }[];
}
const profileOf = (data: RunData): Profile | undefined =>
  (parse(conformanceReport(data)) as { profiles: Profile[] }).profiles[0];

/** The real run with the first claim of its first scenario judged anew. */
const judged = (verdict: 'failed' | 'notSupported', reason: string): RunData => ({
  ...run,
  scenarios: run.scenarios.map((scenario, index) =>
    index > 0
      ? scenario
      : { ...scenario, claims: scenario.claims.map((claim, at) => (at > 0 ? claim : { ...claim, verdict, reason })) },
  ),
});

test('a run in which all holds is a success, with who was tested', () => {
  expect(parse(conformanceReport(run))).toMatchObject({
    kind: 'ConformanceReport',
    implementation: { project: 'istio', edition: 'source' },
    platform: { kubernetes: 'v1.34.4', clusters: ['west', 'east'] },
  });
  expect(profileOf(run)).toMatchObject({
    result: 'success',
    statistics: { passed: 24, failed: 0, notSupported: 0, error: 0 },
  });
});

test('a claim that fails is named with its reason, and makes its scenario and the profile a failure', () => {
  const profile = profileOf(judged('failed', 'the path breaks'));
  expect(profile?.result).toBe('failure');
  expect(profile?.scenarios.map(({ result }) => result)).toEqual(['failure', 'success', 'success']);
  expect(profile?.scenarios[0]?.failedClaims).toEqual([expect.objectContaining({ reason: 'the path breaks' })]);
});

test('what is not supported makes it partial, never a pass', () => {
  const profile = profileOf(judged('notSupported', 'needs LoadBalancer services'));
  expect(profile?.result).toBe('partial');
  expect(profile?.scenarios[0]?.notSupportedClaims).toEqual([
    expect.objectContaining({ reason: 'needs LoadBalancer services' }),
  ]);
});
