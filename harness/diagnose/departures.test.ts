import { describe, expect, test } from 'vitest';
import { departuresOf, type ClusterState } from './departures.ts';
import { seenObject } from './seen-objects.ts';
import type { SeenObject } from './situation.ts';

const ours = { 'app.kubernetes.io/managed-by': 'meshproof' };
const object = (
  kind: string,
  namespace: string | undefined,
  name: string,
  rest: object = {},
  labels = {},
): SeenObject =>
  seenObject({
    apiVersion: 'v1',
    kind,
    metadata: { name, labels, ...(namespace === undefined ? {} : { namespace }) },
    ...rest,
  });
const namespace = (name: string, labels = {}): SeenObject =>
  object('Namespace', undefined, name, {}, { ...ours, ...labels });
const gateway = (app: string): SeenObject =>
  object(
    'Service',
    'istio-system',
    'istio-ingressgateway',
    { spec: { selector: { app }, type: 'LoadBalancer' } },
    ours,
  );

const page = [namespace('bar', { 'istio-injection': 'enabled' }), object('Service', 'bar', 'httpbin', {}, ours)];
const then: ClusterState = {
  objects: [namespace('istio-system'), gateway('istio-ingressgateway'), ...page],
  network: ['node: setting: net.ipv4.ip_forward = 1', 'node: service: kubelet'],
  dumps: { 'istio-ingressgateway': ['cluster a 1', 'cluster outbound|8000||httpbin.bar.svc.cluster.local 2'] },
};
const departures = (now: Partial<ClusterState> & { readonly unseen?: string[] }): string[] =>
  departuresOf('east', then, { ...then, unseen: [], ...now });

describe('an environment is clean', () => {
  test('when everything is as it was', () => {
    expect(departures({})).toEqual([]);
  });

  test('whatever sample workloads came and went', () => {
    const objects = [
      ...then.objects.filter((one) => !page.includes(one)),
      namespace('security-server', { 'istio-injection': 'enabled' }),
      object('Service', 'security-server', 'httpbin', {}, ours),
      object('Pod', 'security-server', 'httpbin-1'),
    ];
    const dumps = {
      'istio-ingressgateway': ['cluster a 1', 'cluster outbound|8000||httpbin.security-server.svc.cluster.local 3'],
    };
    expect(departures({ objects, dumps })).toEqual([]);
  });
});

describe('it is not', () => {
  test.each<[string, Parameters<typeof departures>[0], string[]]>([
    [
      'when a field is another',
      { objects: [namespace('istio-system'), gateway('other'), ...page] },
      ['Service istio-system/istio-ingressgateway: spec.selector.app: istio-ingressgateway → other'],
    ],
    [
      'when an object is gone',
      { objects: [namespace('istio-system'), ...page] },
      ['Service istio-system/istio-ingressgateway is gone'],
    ],
    [
      'when somebody put an object among the samples',
      { objects: [...then.objects, object('AuthorizationPolicy', 'bar', 'deny')] },
      ['AuthorizationPolicy bar/deny was not there'],
    ],
    [
      'when a setting of the machine is another',
      { network: ['node: setting: net.ipv4.ip_forward = 0', 'node: service: kubelet'] },
      ['+ node: setting: net.ipv4.ip_forward = 0', '- node: setting: net.ipv4.ip_forward = 1'],
    ],
    [
      'when a gateway holds something else',
      { dumps: { 'istio-ingressgateway': ['cluster a 9'] } },
      [
        'the config dump of istio-ingressgateway: + cluster a 9',
        'the config dump of istio-ingressgateway: - cluster a 1',
      ],
    ],
    ['when a gateway is not there', { dumps: {} }, ['the config dump of istio-ingressgateway could not be read']],
    [
      'when a kind could not be listed',
      { unseen: ['Secret: forbidden'] },
      ['could not be looked at: Secret: forbidden'],
    ],
  ])('%s', (_what, now, told) => {
    expect(departures(now)).toEqual(told);
  });

  test('when somebody else set a field of a sample', () => {
    const sample = {
      ...object('Service', 'bar', 'httpbin', {}, ours),
      setByOthers: [{ field: 'spec.x', by: 'kubectl' }],
    };
    const objects = then.objects.map((one) => (one.name === 'httpbin' ? sample : one));
    expect(departures({ objects })).toEqual(['Service bar/httpbin: spec.x was set by kubectl']);
  });

  test('and of many lines of one dump the first are told', () => {
    const lines = ['b', 'c', 'd', 'e'].map((name) => `cluster ${name} 1`);
    const dumps = { 'istio-ingressgateway': [...(then.dumps['istio-ingressgateway'] ?? []), ...lines] };
    expect(departures({ dumps }).at(-1)).toBe('1 more lines of istio-ingressgateway');
  });
});
