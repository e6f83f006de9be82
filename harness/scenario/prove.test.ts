import { expect, test } from 'vitest';
import type { SeenObject } from '../diagnose/situation.ts';
import type { ClaimResult, ScenarioResult } from './claims.ts';
import type { Environment } from './environment.ts';
import { compare, proveCause, restored, whyNot } from './prove.ts';

const object = (more: Partial<SeenObject> = {}): SeenObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  namespace: 'istio-system',
  name: 'istiod',
  labels: { app: 'istiod' },
  annotations: {},
  body: { spec: { selector: { app: 'istiod' } } },
  ...more,
});

const result = (verdicts: readonly ClaimResult['verdict'][]): ScenarioResult => ({
  id: 'direct-sidecar',
  section: '',
  seconds: 1,
  claims: verdicts.map((verdict, index) => ({
    key: `c${index}`,
    name: `claim ${index}`,
    verdict,
    seconds: 1,
    actions: [],
    hops: [],
  })),
  steps: [],
  evidence: '',
  replaced: [],
});
const cause = {
  code: 'MP823',
  layer: 'names and addresses',
  cluster: 'west',
  object: 'Service istio-system/istiod',
  does: '',
  try: '',
  seen: [],
} as const;

test('a cause is proven when every claim that was red or not reached holds without it', () => {
  const red = result(['passed', 'failed', 'notReached', 'notSupported']);
  expect(compare(cause, red, result(['passed', 'passed', 'passed', 'notSupported'])).verdict).toBe('proven');
  const refuted = compare(cause, red, result(['passed', 'passed', 'error', 'notSupported']));
  expect(refuted).toMatchObject({ verdict: 'refuted', how: expect.stringContaining('“claim 2”') as string });
});

test('what is declared becomes what it was; what the server keeps stays', () => {
  const live = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'istiod', namespace: 'istio-system', uid: 'u', labels: { app: 'other', odd: 'x' } },
    spec: { selector: { app: 'nobody' } },
  });
  expect(restored(live, object())).toEqual({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'istiod', namespace: 'istio-system', uid: 'u', labels: { app: 'istiod' }, annotations: {} },
    spec: { selector: { app: 'istiod' } },
  });
});

test.each([
  ['an object that was added goes and comes again', 'added', object(), undefined, undefined],
  ['an object that is readable becomes what it was', 'changed', object(), object(), undefined],
  ['a Secret is kept by its hash only', 'changed', object({ kind: 'Secret' }), object({ kind: 'Secret' }), /values/],
  ['a value was hidden', 'removed', object(), object({ hidden: [{ at: 'spec', is: 'h' }] }), /values/],
  ['nobody knows what it was', 'changed', object(), undefined, /not known/],
  ['it is on its way out', 'changed', object({ deleting: true }), object(), /being deleted/],
] as const)('%s', (_what, change, is, before, why) => {
  const reason = whyNot({ cluster: 'west', change, object: is, fields: [] }, before);
  if (why === undefined) expect(reason).toBeUndefined();
  else expect(reason).toMatch(why);
});

test('what a scenario showed stays when the attempt to prove its cause fails', async () => {
  const gone = { name: 'west', kubeconfig: '/nowhere/kubeconfig', context: 'west' };
  const environment = {
    name: 'test',
    provider: 'kind',
    topology: 'replicated',
    clusters: [gone],
    programs: { kubectl: '/nowhere/kubectl' },
  } as unknown as Environment;
  const red = { ...result(['failed']), causes: [{ ...cause, seen: [] }] };
  const proven = await proveCause({ environment, result: red, playAgain: () => Promise.resolve(red) });
  expect(proven.claims).toEqual(red.claims);
  expect(proven.causes?.[0]?.proof).toMatchObject({ verdict: 'notTried', how: expect.stringMatching(/\S/) as string });
});
