import { expect, test } from 'vitest';
import { policyKinds } from '../cluster/scenario-kinds.ts';
import { resourceOf, sampleObjects } from './sample-objects.ts';

const images = { curl: 'curl', httpbin: 'httpbin', httpbinPort: 80 };

test.each([
  ['ServiceEntry', 'serviceentries'],
  ['Gateway', 'gateways'],
  ['AuthorizationPolicy', 'authorizationpolicies'],
  ['Telemetry', 'telemetries'],
  ['PeerAuthentication', 'peerauthentications'],
])('access to a %s is granted to %s', (kind, resource) => {
  expect(resourceOf({ apiVersion: 'x.istio.io/v1', kind, metadata: { name: 'x' } })).toEqual({
    group: 'x.istio.io',
    resource,
  });
});

test('a policy is asked for in the namespaces of a scenario that needs it', () => {
  const kindsIn = (policies?: readonly (keyof typeof policyKinds)[]): string[] =>
    sampleObjects({ namespaces: ['shop'], ...(policies === undefined ? {} : { policies }) }, images)
      .filter(({ kind }) => kind in policyKinds)
      .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}`);
  expect(kindsIn()).toEqual([]);
  expect(kindsIn(['PeerAuthentication'])).toEqual(['PeerAuthentication shop']);
});
