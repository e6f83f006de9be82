import { describe, expect, test } from 'vitest';
import { seenObject } from '../seen-objects.ts';
import type { ClusterSituation, Concern, SeenObject, Situation } from '../situation.ts';
import { explain } from './explain.ts';

const object = (kind: string, name: string, namespace: string | undefined, rest: object = {}): SeenObject =>
  seenObject({
    apiVersion: 'v1',
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    ...rest,
  });

const ready = { conditions: [{ type: 'Ready', status: 'True' }], phase: 'Running' };
const pod = (name: string, namespace: string, labels: Record<string, string>, status: object = ready): SeenObject => ({
  ...object('Pod', name, namespace, { status, spec: { containers: [{ name: 'istio-proxy' }] } }),
  labels,
});

/** What a healthy cluster has, as far as explainers look at it. */
const healthy = (): SeenObject[] => [
  object('Namespace', 'bar', undefined),
  pod('istiod-7d9f4b6c5d-abcde', 'istio-system', { app: 'istiod' }),
  pod('istio-ingressgateway-7d9f4b6c5d-abcde', 'istio-system', { istio: 'ingressgateway' }),
  pod('coredns-7d9f4b6c5d-abcde', 'kube-system', { 'k8s-app': 'kube-dns' }),
  object('Service', 'istio-ingressgateway', 'istio-system', {
    spec: { type: 'LoadBalancer', selector: { istio: 'ingressgateway' }, ports: [{ port: 15443, targetPort: 15443 }] },
    status: { loadBalancer: { ingress: [{ ip: '172.18.0.9' }] } },
  }),
  object('Deployment', 'istio-ingressgateway', 'istio-system', { spec: { replicas: 1 } }),
];

function situation(cluster: string, change: (objects: SeenObject[]) => SeenObject[] = (all) => all): ClusterSituation {
  return {
    cluster,
    objects: change(healthy()),
    baseline: healthy(),
    events: [],
    controlPlaneLog: [],
    refusedCalls: [],
    trust: [],
    network: [],
    networkBaseline: [],
    unseen: [],
  };
}

const concern: Concern = {
  client: 'west',
  namespaces: ['foo', 'bar', 'istio-system', 'kube-system'],
  hosts: ['httpbin.bar.global'],
  brokenAt: undefined,
  brokenHop: undefined,
  applied: new Map(),
  words: '',
};

const of = (west: ClusterSituation, east: ClusterSituation): Situation => ({
  clusters: [west, east],
  at: '2026-11-25T12:00:00.000Z',
});
const first = (seen: Situation, changes: Partial<Concern> = {}): string => {
  const [cause] = explain(seen, { ...concern, ...changes });
  return cause === undefined ? 'nothing' : `${cause.code} ${cause.cluster} ${cause.object} ${cause.field ?? ''}`.trim();
};

test('nothing is blamed where nothing is wrong', () => {
  expect(explain(of(situation('west'), situation('east')), concern)).toEqual([]);
});

describe('an object that was not there is named, with the field that does it', () => {
  test.each([
    [
      'VirtualService',
      { hosts: ['httpbin.bar.global'], http: [{ fault: { abort: { httpStatus: 503 } } }] },
      'spec.http.0.fault.abort',
    ],
    [
      'DestinationRule',
      { host: 'httpbin.bar.global', trafficPolicy: { tls: { mode: 'DISABLE' } } },
      'spec.trafficPolicy.tls.mode',
    ],
    ['Sidecar', { egress: [{ hosts: ['./*'] }] }, 'spec.egress'],
    ['AuthorizationPolicy', { action: 'DENY', rules: [{}] }, 'spec.rules'],
    [
      'EnvoyFilter',
      { configPatches: [{ applyTo: 'FILTER_CHAIN', patch: { operation: 'REMOVE' } }] },
      'spec.configPatches',
    ],
    ['ServiceEntry', { hosts: ['httpbin.bar.global'], location: 'MESH_EXTERNAL' }, 'spec.location'],
  ])('%s', (kind, spec, field) => {
    const seen = of(
      situation('west', (all) => [...all, object(kind, 'odd', 'bar', { spec })]),
      situation('east'),
    );
    expect(first(seen)).toBe(`MP825 west ${kind} bar/odd ${field}`);
  });

  test('in a namespace that has nothing to do with the call it is no suspect', () => {
    const spec = { hosts: ['shop.example'], http: [{ fault: { abort: {} } }] };
    const seen = of(
      situation('west', (all) => [...all, object('VirtualService', 'odd', 'shop', { spec })]),
      situation('east'),
    );
    expect(first(seen)).toBe('nothing');
  });
});

test('what was changed says what it was and what it is', () => {
  const scaled = (all: SeenObject[]): SeenObject[] =>
    all.map((one) => (one.kind === 'Deployment' ? { ...one, body: { spec: { replicas: 0 } } } : one));
  const [cause] = explain(of(situation('west'), situation('east', scaled)), concern);
  expect(cause).toMatchObject({
    cluster: 'east',
    object: 'Deployment istio-system/istio-ingressgateway',
    field: 'spec.replicas',
  });
  expect(cause?.seen).toContain('spec.replicas: 1 → 0');
});

test('what is gone is named', () => {
  const without = (all: SeenObject[]): SeenObject[] => all.filter(({ kind }) => kind !== 'Service');
  expect(first(of(situation('west'), situation('east', without)))).toBe(
    'MP823 east Service istio-system/istio-ingressgateway',
  );
});

test('what the scenario applied itself is no suspect; what somebody made of it is', () => {
  const spec = { hosts: ['httpbin.bar.global'], endpoints: [{ address: '172.18.0.9' }] };
  const own = object('ServiceEntry', 'httpbin-bar', 'foo', { spec });
  const applied = new Map([['west', [own]]]);
  expect(
    first(
      of(
        situation('west', (all) => [...all, own]),
        situation('east'),
      ),
      { applied },
    ),
  ).toBe('nothing');
  const bent = object('ServiceEntry', 'httpbin-bar', 'foo', { spec: { ...spec, exportTo: ['other'] } });
  expect(
    first(
      of(
        situation('west', (all) => [...all, bent]),
        situation('east'),
      ),
      { applied },
    ),
  ).toBe('MP825 west ServiceEntry foo/httpbin-bar spec.exportTo.0');
});

test('of two changes the one where the path breaks comes first', () => {
  const filter = (name: string): SeenObject => object('EnvoyFilter', name, 'istio-system', { spec: {} });
  const seen = of(
    situation('west', (all) => [...all, filter('a')]),
    situation('east', (all) => [...all, filter('b')]),
  );
  expect(first(seen, { brokenAt: 'east', brokenHop: 'filter chain' })).toContain('EnvoyFilter istio-system/b');
  expect(first(seen, { brokenAt: 'west', brokenHop: 'cluster' })).toContain('EnvoyFilter istio-system/a');
});

test('the machine below is told by its rule', () => {
  const east = { ...situation('east'), network: ['east-node: rule -A FORWARD -p tcp --dport 15443 -j DROP'] };
  expect(first(of(situation('west'), east))).toBe('MP820 east east-node rule -A FORWARD -p tcp --dport 15443 -j DROP');
});

test('another root is told of the cluster that differs', () => {
  const trust = (cluster: string, root: string): ClusterSituation => ({
    ...situation(cluster),
    trust: ['a', 'b'].slice(0, cluster === 'west' ? 2 : 1).map((name) => ({
      proxy: `${cluster} foo/${name}`,
      identity: 'spiffe://cluster.local/ns/foo/sa/sleep',
      issuer: `L=${cluster}`,
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2027-01-01T00:00:00.000Z',
      roots: [root],
      chainEnd: root,
    })),
  });
  expect(first(of(trust('west', 'AA'), trust('east', 'BB')))).toBe(
    'MP824 east Secret istio-system/cacerts data.root-cert.pem',
  );
});

test('a policy that Envoy names in its access log is named, whoever made it', () => {
  const east: ClusterSituation = {
    ...situation('east'),
    refusedCalls: [
      {
        proxy: 'east bar/httpbin-1',
        flags: '-',
        details: 'rbac_access_denied_matched_policy[ns[bar]-policy[deny-all]-rule[0]]',
        code: 403,
        upstreamFailure: '',
        authority: 'httpbin.bar.global:8000',
        upstreamCluster: '',
        upstreamHost: '',
      },
    ],
  };
  expect(first(of(situation('west'), east))).toBe('MP825 east AuthorizationPolicy bar/deny-all');
});

test('a control plane without a ready pod is told before what follows from it', () => {
  const paused = (all: SeenObject[]): SeenObject[] =>
    all.map((one) => (one.name.startsWith('istiod-') ? { ...one, status: { phase: 'Running', conditions: [] } } : one));
  expect(first(of(situation('west', paused), situation('east')))).toBe('MP822 west Deployment istio-system/istiod');
});

test('what could not be looked at is not taken for gone', () => {
  const blind = { ...situation('west', () => []), unseen: ['objects: no answer within 30 s'] };
  expect(explain(of(blind, situation('east')), concern)).toEqual([]);
  const half = {
    ...situation('east', (all) => all.filter(({ kind }) => kind !== 'Deployment')),
    unseen: ['Deployment: forbidden'],
  };
  expect(explain(of(situation('west'), half), concern)).toEqual([]);
});
