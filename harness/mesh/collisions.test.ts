import { describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { collisions } from './collisions.ts';
import { forOwnSidecars } from './own-sidecars.ts';
import { eastWestGateway, remoteService, subsets } from './services.ts';

const httpbin = { host: 'httpbin.bar.global', address: '240.0.0.2', port: { number: 8000, protocol: 'HTTP' } } as const;
const entry = (spec: object, namespace = 'shop'): KubernetesObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'theirs', namespace },
  spec,
});
const met = (spec: object, namespace?: string): string[] =>
  collisions([httpbin], [entry(spec, namespace)], ['foo', 'bar']);

describe('what a scenario would meet in a mesh that people live in', () => {
  test.each([
    ['the same host', { hosts: ['httpbin.bar.global'] }, 'declares httpbin.bar.global'],
    ['a wildcard that covers it', { hosts: ['*.global'] }, 'declares *.global'],
    ['the same address', { hosts: ['a.example'], addresses: ['240.0.0.2'] }, 'has the address 240.0.0.2'],
    ['a range with it', { hosts: ['a.example'], addresses: ['240.0.0.0/24'] }, 'has the address 240.0.0.0/24'],
    [
      'its port for another protocol',
      { hosts: ['a.example'], ports: [{ number: 8000, protocol: 'TCP' }] },
      'port 8000 as TCP',
    ],
    ['an entry of the gateways’ namespace', { hosts: ['httpbin.bar.global'], exportTo: ['istio-system'] }, 'declares'],
  ])('%s', (_what, spec, told) => {
    expect(met(spec)).toEqual([expect.stringContaining(told)]);
    expect(met(spec)[0]).toContain('ServiceEntry shop/theirs');
  });

  test.each([
    ['another host', { hosts: ['httpbin.bar.globe', 'bar.global'] }],
    ['another address', { hosts: ['a.example'], addresses: ['240.0.0.20', '2001:db8::/32', '240.0.1.0/24'] }],
    ['its port for the same protocol', { hosts: ['a.example'], ports: [{ number: 8000, protocol: 'http' }] }],
    [
      'its port at an address of its own',
      { hosts: ['a.example'], addresses: ['240.0.0.3'], ports: [{ number: 8000, protocol: 'TCP' }] },
    ],
    ['an entry that only its own namespace sees', { hosts: ['httpbin.bar.global'], exportTo: ['.'] }],
  ])('not %s', (_what, spec) => {
    expect(met(spec)).toEqual([]);
  });

  test('an entry of a namespace of the scenario that only this one sees', () => {
    expect(met({ hosts: ['httpbin.bar.global'], exportTo: ['.'] }, 'foo')).toHaveLength(1);
  });
});

describe('objects on clusters that the user owns', () => {
  const service = remoteService({
    ...httpbin,
    port: { ...httpbin.port, name: 'http' },
    namespace: 'foo',
    name: 'httpbin-bar',
    endpoints: [{ address: '192.0.2.1' }],
  });

  test('are visible to their own namespace and the gateways’ only', () => {
    for (const object of [service, subsets({ host: 'a.global', namespace: 'foo', name: 'a', subsets: {} })])
      expect(forOwnSidecars(object)['spec']).toEqual({
        ...(object['spec'] as object),
        exportTo: ['.', 'istio-system'],
      });
  });

  test('what says itself to whom it is visible, and what has no such field, stays as it is', () => {
    const own = { ...service, spec: { ...(service['spec'] as object), exportTo: ['.'] } };
    expect(forOwnSidecars(own)).toEqual(own);
    const gateway = eastWestGateway('g', {}, ['*.local'], 'istio-system');
    expect(forOwnSidecars(gateway)).toBe(gateway);
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } };
    expect(forOwnSidecars(pod)).toBe(pod);
  });
});
