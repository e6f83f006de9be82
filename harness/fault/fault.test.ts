import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { builtIn, listScenarios } from '../config/scenario-files.ts';
import type { ScenarioResult } from '../scenario/claims.ts';
import { faults, unkillable } from './catalogue.ts';
import { diagnosisPage, outcomesOf } from './diagnosis-page.ts';
import { judge, summarize } from './judge.ts';

test('every fault has an id of its own and says what a right cause names', () => {
  expect(new Set(faults.map(({ id }) => id)).size).toBe(faults.length);
  for (const { cause, breaks } of faults) {
    expect(cause.length).toBeGreaterThan(0);
    expect(breaks).toMatch(/^\w.{10,}[^.]$/);
  }
});

test('every claim of every built-in scenario is meant to be killed by a fault', async () => {
  const scenarios = await listScenarios([builtIn]);
  const claims = scenarios.flatMap(({ meta }) => Object.keys(meta.claims).map((key) => `${meta.id}: ${key}`));
  const killed = new Set(faults.flatMap(({ kills = [] }) => kills));
  const missing = claims.filter((claim) => !killed.has(claim));
  expect(missing.sort()).toEqual(Object.keys(unkillable).sort());
  // A claim that was renamed is killed by nobody.
  expect([...killed].filter((claim) => !claims.includes(claim))).toEqual([]);
  for (const { id, kills = [], noticedBy = ['direct-sidecar'] } of faults)
    for (const claim of kills) expect(noticedBy, `${id} plays the scenario of ${claim}`).toContain(claim.split(':')[0]);
  for (const reason of Object.values(unkillable)) expect(reason).toMatch(/^\w.{20,}[^.]$/);
});

describe('an outcome', () => {
  const fault = faults.find(({ id }) => id === 'authorization-deny');
  const scenario = (causes: ScenarioResult['causes'], verdict: 'passed' | 'failed'): ScenarioResult => ({
    id: 'direct-sidecar',
    section: '',
    seconds: 12,
    claims: [{ key: 'answers', name: 'curl answers', verdict, seconds: 1, actions: [], hops: [] }],
    steps: [],
    ...(causes === undefined ? {} : { causes }),
    evidence: '',
    replaced: [],
  });
  const cause = (cluster: string, object: string): NonNullable<ScenarioResult['causes']> => [
    { code: 'MP825', layer: 'mesh objects', cluster, object, does: '', try: '', seen: [] },
  ];
  test.each([
    ['the very object of the very cluster', cause('east', 'AuthorizationPolicy bar/fault'), 'failed', true, true],
    ['another cluster', cause('west', 'AuthorizationPolicy bar/fault'), 'failed', true, false],
    ['another object', cause('east', 'Service bar/httpbin'), 'failed', true, false],
    ['nothing that fails', undefined, 'passed', false, false],
  ] as const)('%s', (_what, causes, verdict, caught, right) => {
    if (fault === undefined) throw new Error('no such fault');
    const outcome = judge(fault, ['west', 'east'], [scenario(causes === undefined ? undefined : [...causes], verdict)]);
    expect(outcome).toMatchObject({ caught, cause: right });
    expect(summarize([outcome], ['direct-sidecar: answers', 'security: plain-text'])).toMatchObject({
      faults: 1,
      caught: Number(caught),
      cause: Number(right),
      unkilled: caught ? ['security: plain-text'] : ['direct-sidecar: answers', 'security: plain-text'],
    });
  });
});

test('a claim that a fault must kill and did not is told', () => {
  const [fault] = faults.filter(({ id }) => id === 'egress-serves-port-80');
  if (fault === undefined) throw new Error('no such fault');
  const claims = [
    { key: 'only-15443', name: '', verdict: 'failed' as const, seconds: 1, actions: [], hops: [] },
    { key: 'nobody-on-80', name: '', verdict: 'passed' as const, seconds: 1, actions: [], hops: [] },
  ];
  const id = 'egress-gateway/limits';
  const played = { id, section: '', seconds: 1, claims, steps: [], evidence: '', replaced: [] };
  const outcome = judge(fault, ['west', 'east'], [played]);
  expect(outcome).toMatchObject({ caught: true, spared: ['egress-gateway/limits: nobody-on-80'] });
  expect(summarize([outcome], []).spared).toEqual(['egress-serves-port-80: egress-gateway/limits: nobody-on-80']);
});

test('a fault that could not be put in is named, and is neither caught nor missed', () => {
  const outcome = {
    id: 'x',
    caught: false,
    hop: false,
    cause: false,
    told: '',
    seconds: 0,
    killed: [],
    notPutIn: 'MP903',
  };
  expect(summarize([outcome], [])).toMatchObject({ faults: 0, missed: [], misdiagnosed: [], notPutIn: ['x'] });
});

test('there are at least 60 faults, and the page has a row for each', () => {
  expect(faults.length).toBeGreaterThanOrEqual(60);
  const outcome = {
    id: faults[0]?.id ?? '',
    caught: true,
    hop: true,
    cause: true,
    told: 'MP825 a | b',
    seconds: 9,
    killed: [],
  };
  const page = diagnosisPage(faults, new Map([[outcome.id, outcome]]));
  for (const { id } of faults) expect(page).toContain(`| \`${id}\` |`);
  expect(page).toContain(`1 of ${faults.length} faults were injected: 1 caught, 1 with the right object`);
  expect(page).toContain('| caught, right cause | 9.0 s | MP825 a \\| b |');
});

test('faults that are not put in again keep what the page says of them', async () => {
  const page = await readFile(new URL('../../docs/diagnosis.md', import.meta.url), 'utf8');
  const outcomes = outcomesOf(page);
  expect(outcomes.size).toBeGreaterThan(140);
  const again = outcomesOf(diagnosisPage(faults, outcomes));
  expect([...again]).toEqual([...outcomes].filter(([id]) => faults.some((fault) => fault.id === id)));
});

test('a packet rule is taken out by what it is, without its place', () => {
  const rules = faults.flatMap(({ inject }) =>
    'onNode' in inject && inject.onNode.startsWith('iptables') ? [inject] : [],
  );
  expect(rules.length).toBeGreaterThan(3);
  for (const { onNode, undo } of rules) {
    expect(onNode).toMatch(/^iptables (-t nat )?-I \S+ 1 -/);
    expect(undo).toBe(onNode.replace(' -I ', ' -D ').replace(' 1 -', ' -'));
  }
});
