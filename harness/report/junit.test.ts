import { expect, test } from 'vitest';
import type { ClaimResult, ScenarioResult } from '../scenario/claims.ts';
import { junitReport } from './junit.ts';

const claim = (key: string, name: string, verdict: ClaimResult['verdict'], reason?: string): ClaimResult => ({
  key,
  name,
  verdict,
  seconds: 1,
  actions: [],
  hops: [],
  ...(reason === undefined ? {} : { reason }),
});
const scenario = (parts: Partial<ScenarioResult>): ScenarioResult => ({
  id: 'direct-sidecar',
  section: 's',
  seconds: 3,
  claims: [],
  steps: [],
  evidence: '',
  replaced: [],
  ...parts,
});
const cause = {
  code: 'MP825',
  layer: 'mesh objects',
  cluster: 'east',
  object: 'AuthorizationPolicy bar/deny',
  field: 'spec.rules',
  does: 'refuses calls',
  try: '',
  seen: [],
} as const;

test('each claim is a test case; one that does not hold carries the cause, and its own words inside', () => {
  const xml = junitReport({
    scenarios: [
      scenario({
        causes: [cause],
        claims: [claim('a', 'a <b> & "c"', 'passed'), claim('d', 'd', 'failed', 'HTTP 403\nRBAC')],
      }),
    ],
  });
  expect(xml).toContain('<testsuites name="meshproof" tests="2">');
  expect(xml).toContain('name="a" time="1.000"');
  expect(xml).toContain('<property name="claim" value="a &lt;b&gt; &amp; &quot;c&quot;"/>');
  expect(xml).toContain('failures="1" errors="0" skipped="0"');
  expect(xml).toContain(
    '<failure message="MP825 east · AuthorizationPolicy bar/deny · spec.rules: refuses calls">HTTP ' +
      '403&#10;RBAC</failure>',
  );
});

test('without a cause the first line of the reason is the message', () => {
  expect(
    junitReport({ scenarios: [scenario({ claims: [claim('a', 'a', 'error', 'MP702 no pod\nmore')] })] }),
  ).toContain('<error message="MP702 no pod">');
});

test('claims behind a step that failed are skipped, and the step is the case that failed', () => {
  const xml = junitReport({
    scenarios: [
      scenario({
        claims: [
          { ...claim('a', 'a', 'notReached'), behind: 'wait' },
          claim('b', 'b', 'notSupported', 'no load balancer'),
        ],
        stopped: { key: 'wait', step: 'wait for it', verdict: 'failed', reason: 'not in time', code: 'MP701' },
      }),
    ],
  });
  expect(xml).toContain('tests="3" failures="1" errors="0" skipped="2"');
  expect(xml).toContain('<skipped message="not reached: behind the step wait"/>');
  expect(xml).toContain('name="step-wait" time="0.000"><properties><property name="claim" value="wait for it"/>');
  expect(xml).toContain('</properties><failure message="not in time" type="MP701">');
});
