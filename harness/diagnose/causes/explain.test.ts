import { describe, expect, test } from 'vitest';
import { redact } from '../../tape/redact/value.ts';
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
  gateway: 'istio-ingressgateway',
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

  test.each([
    ['the very address', { addresses: ['240.0.0.2'] }, 'TCP', true],
    ['a range around the address', { addresses: ['240.0.0.0/16'] }, 'TCP', true],
    ['every address', {}, 'TCP', true],
    ['every address, by its host', {}, 'HTTP', false],
    ['another address', { addresses: ['240.0.9.2'] }, 'TCP', false],
  ])('a ServiceEntry of another namespace for %s takes the calls of the port: %j, %s', (_what, at, protocol, takes) => {
    const entry = (name: string, namespace: string, host: string, spec: object): SeenObject =>
      object('ServiceEntry', name, namespace, {
        spec: { hosts: [host], ports: [{ number: 8000, protocol }], ...spec },
      });
    const own = entry('httpbin-bar', 'foo', 'httpbin.bar.global', { addresses: ['240.0.0.2'] });
    const seen = of(
      situation('west', (all) => [...all, own, entry('till', 'shop', 'till.shop.internal', at)]),
      situation('east'),
    );
    const found = first(seen, { applied: new Map([['west', [own]]]) });
    expect(found).toBe(takes ? 'MP825 west ServiceEntry shop/till spec.addresses' : 'nothing');
  });

  test.each([
    ['matchLabels: { mesh: "yes" }', 'MP822 west ConfigMap istio-system/istio data.mesh.discoverySelectors'],
    [
      'matchExpressions: [{ key: mesh, operator: Exists }]',
      'MP822 west ConfigMap istio-system/istio data.mesh.discoverySelectors',
    ],
    ['matchExpressions: [{ key: mesh, operator: DoesNotExist }]', 'nothing'],
    ['matchExpressions: [{ key: team, operator: In, values: [a, b] }]', 'nothing'],
    ['matchExpressions: [{ key: team, operator: NotIn, values: [c] }]', 'nothing'],
  ])('a mesh configuration that leaves a namespace of the call out by %s', (selector, told) => {
    const mesh = object('ConfigMap', 'istio', 'istio-system', {
      data: { mesh: `accessLogFile: /dev/stdout\ndiscoverySelectors:\n  - ${selector}\n` },
    });
    const foo = { ...object('Namespace', 'foo', undefined), labels: { team: 'a' } };
    const west = situation('west', (all) => [...all.filter(({ kind }) => kind !== 'Namespace'), mesh, foo]);
    const baseline = west.objects;
    expect(first(of({ ...west, baseline }, situation('east')))).toBe(told);
  });

  test('a label of a namespace that no mesh knows says less than what else was changed', () => {
    const labelled = { ...object('Namespace', 'bar', undefined), labels: { team: 'a' } };
    const odd = object('AuthorizationPolicy', 'odd', 'bar', { spec: {} });
    const east = situation('east', (all) => [...all.filter(({ kind }) => kind !== 'Namespace'), labelled, odd]);
    expect(first(of(situation('west'), east))).toBe('MP825 east AuthorizationPolicy bar/odd spec');
  });

  test('a Gateway of another namespace counts, since all share the gateways', () => {
    const spec = {
      selector: { istio: 'ingressgateway' },
      servers: [{ port: { number: 15443 }, hosts: ['*.internal'] }],
    };
    const seen = of(
      situation('west'),
      situation('east', (all) => [...all, object('Gateway', 'odd', 'shop', { spec })]),
    );
    expect(first(seen)).toBe('MP825 east Gateway shop/odd spec.servers');
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

test.each([
  ['process: envoy is stopped pod0b1f…', 'Pod bar/httpbin-1', 'continued'],
  ['service', 'east-node', 'no longer has “service: kubelet”'],
  ['limits', 'east-node', 'how much of the machine the node can use'],
] as const)('what is wrong on the node itself: %s', (what, object, words) => {
  const uid = '0b1f4a52-8c7e-4d0f-9a53-6d1c2b3a4f5e';
  const baseline = [
    'east-node: state: running on kind',
    'east-node: limits: cpus, quota and memory 0 0 0',
    'east-node: service: kubelet',
  ];
  const now = {
    service: baseline.slice(0, 2),
    limits: [baseline[0] ?? '', 'east-node: limits: cpus, quota and memory 10000000 0 0', baseline[2] ?? ''],
  };
  const east = {
    ...situation('east'),
    objects: [...situation('east').objects, { ...pod('httpbin-1', 'bar', {}), uid }],
    network: [
      ...(what === 'service' || what === 'limits'
        ? now[what]
        : [...baseline, `east-node: process: envoy is stopped pod${uid.replaceAll('-', '_')}`]),
    ],
    networkBaseline: baseline,
  };
  const [cause] = explain(of(situation('west'), east), concern);
  expect(cause).toMatchObject({ cluster: 'east', object, does: expect.stringContaining(words) as string });
});

test('a control plane without a ready pod is told before what follows from it', () => {
  const paused = (all: SeenObject[]): SeenObject[] =>
    all.map((one) => (one.name.startsWith('istiod-') ? { ...one, status: { phase: 'Running', conditions: [] } } : one));
  expect(first(of(situation('west', paused), situation('east')))).toBe('MP822 west Deployment istio-system/istiod');
});

test('a webhook that did not answer is blamed while pods are missing for it, and not afterwards', () => {
  const hook = object('MutatingWebhookConfiguration', 'istio-sidecar-injector', undefined, {
    webhooks: [{ name: 'inject.x', failurePolicy: 'Fail', clientConfig: { service: { namespace: 'i', name: 'd' } } }],
  });
  const message = 'Internal error occurred: failed calling webhook "inject.x": connection refused';
  const seen = (conditions: object[]): Situation => {
    const deployed = object('Deployment', 'httpbin', 'bar', { spec: { replicas: 1 }, status: { conditions } });
    const objects = [...healthy(), hook, deployed];
    const old = { about: 'ReplicaSet bar/httpbin-567d59f99b', reason: 'FailedCreate', message };
    return of(situation('west'), { ...situation('east'), objects, baseline: objects, events: [old] });
  };
  const fails = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message };
  expect(first(seen([fails]))).toContain('MutatingWebhookConfiguration istio-sidecar-injector');
  expect(first(seen([]))).toBe('nothing');
});

test('what could not be looked at is not taken for gone', () => {
  const blind = { ...situation('west', () => []), unseen: ['objects: no answer within 30 s'] };
  expect(explain(of(blind, situation('east')), concern).map(({ object }) => object)).toEqual(['API server']);
  const { baseline: _baseline, ...foreign } = blind;
  const refused = { ...foreign, unseen: ['Pod: pods is forbidden', 'Service: services is forbidden'] };
  expect(explain(of(refused, situation('east')), concern)).toEqual([]);
  const half = {
    ...situation('east', (all) => all.filter(({ kind }) => kind !== 'Deployment')),
    unseen: ['Deployment: forbidden'],
  };
  expect(explain(of(situation('west'), half), concern)).toEqual([]);
});

describe('what other people set on an object of the scenario', () => {
  // As an API server of kind answered after `kubectl patch` and the scenario's own server-side apply.
  const managed = (manager: string, fields: object, operation = 'Update'): object => ({
    manager,
    operation,
    apiVersion: 'apps/v1',
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
  });
  const deployment = (others: readonly object[]): SeenObject =>
    object('Deployment', 'httpbin', 'bar', {
      metadata: {
        name: 'httpbin',
        namespace: 'bar',
        managedFields: [
          managed('meshproof', { 'f:spec': { 'f:replicas': {} } }, 'Apply'),
          managed('kube-controller-manager', { 'f:status': { 'f:replicas': {} } }),
          ...others,
        ],
      },
      spec: { replicas: 1, minReadySeconds: 600 },
    });

  test('is a suspect, though the server answered the scenario with it', () => {
    const bent = deployment([managed('kubectl-patch', { 'f:spec': { 'f:minReadySeconds': {} } })]);
    const east = situation('east', (all) => [...all, bent]);
    const [cause] = explain(of(situation('west'), east), { ...concern, applied: new Map([['east', [bent]]]) });
    expect(cause).toMatchObject({ cluster: 'east', object: 'Deployment bar/httpbin', field: 'spec.minReadySeconds' });
    expect(cause?.seen).toContain('spec.minReadySeconds: not set → set by kubectl-patch');
  });

  test('of an object of the mesh that is as it was, whoever wrote it last is none', () => {
    const bent = deployment([managed('kubectl-patch', { 'f:spec': { 'f:minReadySeconds': {} } })]);
    const east = situation('east', (all) => [...all, bent]);
    const before = { ...east, baseline: [...(east.baseline ?? []), deployment([])] };
    expect(explain(of(situation('west'), before), concern)).toEqual([]);
  });

  test('what controllers and the scenario itself wrote is none', () => {
    const own = deployment([]);
    const east = situation('east', (all) => [...all, own]);
    expect(explain(of(situation('west'), east), { ...concern, applied: new Map([['east', [own]]]) })).toEqual([]);
  });
});

test('a field that the scenario set on purpose is no cause; another value of it is', () => {
  const scaled = (replicas: number) => (all: SeenObject[]) =>
    all.map((one) => (one.kind === 'Deployment' ? { ...one, body: { spec: { replicas } } } : one));
  const ownFields = [
    { cluster: 'east', object: 'Deployment istio-system/istio-ingressgateway', field: 'spec.replicas', value: '2' },
  ];
  expect(explain(of(situation('west'), situation('east', scaled(2))), { ...concern, ownFields })).toEqual([]);
  expect(first(of(situation('west'), situation('east', scaled(0))), { ownFields })).toContain('istio-ingressgateway');
});

test('a value that evidence must not hold shows as changed, and not what it is', () => {
  const hidden = (value: string): SeenObject =>
    seenObject(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'istiod', namespace: 'istio-system' },
        spec: { template: { spec: { containers: [{ name: 'discovery', env: [{ name: 'MY_SETTING', value }] }] } } },
      },
      'a key of the environment',
    );
  const east = {
    ...situation('east', (all) => [...all, redact(hidden('after'))]),
    baseline: [...healthy(), redact(hidden('before'))],
  };
  const [cause] = explain(of(situation('west'), east), concern);
  expect(cause).toMatchObject({
    object: 'Deployment istio-system/istiod',
    field: 'spec.template.spec.containers[discovery].env[MY_SETTING].value',
  });
  expect(JSON.stringify(cause)).not.toMatch(/before|after/);
});

describe('a node', () => {
  const east = (network: readonly string[], networkBaseline: readonly string[] = []): ClusterSituation => ({
    ...situation('east'),
    network: [...network],
    networkBaseline: ['node: state: running on kind', ...networkBaseline],
  });
  test('a setting that nobody looked at when the mesh was ready is no cause', () => {
    const seen = east(['node: state: running on kind', 'node: setting: net/ipv4/tcp_sack = 0']);
    expect(explain(of(situation('west'), seen), concern)).toEqual([]);
  });

  test.each([
    ['that is paused', ['node: state: paused on kind'], 'is paused, so nothing on it runs'],
    ['without a network', ['node: state: running on'], 'is connected to no network'],
    [
      'that passes nothing on',
      ['node: state: running on kind', 'node: setting: net/ipv4/ip_forward = 0'],
      'does not forward packets',
    ],
    [
      'that leaves packets between its pods out',
      ['node: state: running on kind', 'node: setting: net/bridge/bridge-nf-call-iptables = 0'],
      'leaves packets between pods of one node out of the packet rules',
    ],
    [
      'with a queue',
      ['node: state: running on kind', 'node: queue: qdisc netem 8001: dev eth0 root loss 30%'],
      'loses packets',
    ],
  ])('%s is named, with what it does', (_what, lines, does) => {
    const before = ['node: setting: net/ipv4/ip_forward = 1', 'node: setting: net/bridge/bridge-nf-call-iptables = 1'];
    const [cause] = explain(of(situation('west'), east(lines, lines.length > 1 ? before : [])), concern);
    expect(cause).toMatchObject({ code: 'MP820', cluster: 'east', object: 'node' });
    expect(cause?.does).toContain(does);
  });

  test('a rule in the network namespace of a pod names the pod', () => {
    const seen = east([
      'node: state: running on kind',
      'node: pod 10.244.0.9: rule -A INPUT -p tcp --dport 8080 -j DROP',
    ]);
    const at = pod('httpbin-7d9f4b6c5d-abcde', 'bar', {}, { ...ready, podIP: '10.244.0.9' });
    const [cause] = explain(of(situation('west'), { ...seen, objects: [...seen.objects, at] }), concern);
    expect(cause).toMatchObject({
      object: 'Pod bar/httpbin-7d9f4b6c5d-abcde',
      field: 'rule -A INPUT -p tcp --dport 8080 -j DROP',
    });
  });

  test('links of other environments on the same machine are nobody’s fault', () => {
    const line = 'bridges between the clusters: link: br-9f: <BROADCAST> mtu 1500 state UP';
    expect(explain(of(situation('west'), east(['node: state: running on kind', line])), concern)).toEqual([]);
  });
});

test('of two clusters the one whose CA was changed is the odd one, whichever has more proxies', () => {
  const ca = (hash: string): SeenObject =>
    object('Secret', 'cacerts', 'istio-system', { data: { 'root-cert.pem': hash } });
  const side = (cluster: string, root: string, secret: SeenObject): ClusterSituation => ({
    ...situation(cluster, (all) => [...all, secret]),
    baseline: [...healthy(), ca('same')],
    trust: ['a', 'b'].slice(0, cluster === 'west' ? 1 : 2).map((name) => ({
      proxy: `${cluster} foo/${name}`,
      identity: 'spiffe://cluster.local/ns/foo/sa/sleep',
      issuer: `L=${cluster}`,
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2027-01-01T00:00:00.000Z',
      roots: [root],
      chainEnd: root,
    })),
  });
  expect(first(of(side('west', 'AA', ca('same')), side('east', 'BB', ca('other'))))).toBe(
    'MP824 east Secret istio-system/cacerts data.root-cert.pem',
  );
});

test('a workload that answers with errors itself is named', () => {
  const at = pod('httpbin-7d9f4b6c5d-abcde', 'bar', { app: 'httpbin' });
  const east: ClusterSituation = {
    ...situation('east', (all) => [...all, at]),
    baseline: [...healthy()],
    refusedCalls: [
      {
        proxy: 'east bar/httpbin-7d9f4b6c5d-abcde',
        flags: '-',
        details: 'via_upstream',
        code: 503,
        upstreamFailure: '',
        authority: 'httpbin.bar.global:8000',
        upstreamCluster: 'inbound|8080||',
        upstreamHost: '10.244.0.9:8080',
      },
    ],
  };
  const [cause] = explain(of(situation('west'), east), concern);
  expect(cause).toMatchObject({ code: 'MP826', object: 'Deployment bar/httpbin', does: 'answers 503 itself' });
});

describe('the cluster’s DNS, which a scenario changes itself,', () => {
  const corefile = (text: string): SeenObject =>
    object('ConfigMap', 'coredns', 'kube-system', { data: { Corefile: text } });
  const west = (was: string, is: string): ClusterSituation => {
    const seen = situation('west', (all) => [...all, corefile(is)]);
    return { ...seen, baseline: [...healthy(), corefile(was)] };
  };
  const own = (before: string, value: string): Partial<Concern> => ({
    ownFields: [{ cluster: 'west', object: 'ConfigMap kube-system/coredns', field: 'data.Corefile', value, before }],
  });
  const [root, stub, odd] = ['.:53 {\n}\n', 'global:53 {\n}\n', 'bar.global:53 {\n}\n'];

  test('is no suspect when it was as it should be before', () => {
    expect(first(of(west(root, root + stub), situation('east')), own(root.trimEnd(), root + stub))).toBe('nothing');
  });

  test('is one when somebody had changed it before', () => {
    const [cause] = explain(of(west(root, odd + root + stub), situation('east')), {
      ...concern,
      ...own(odd + root, odd + root + stub),
    });
    expect(cause).toMatchObject({ object: 'ConfigMap kube-system/coredns', field: 'data.Corefile' });
    expect(cause?.seen.join()).toContain('bar.global');
    expect(cause?.seen.join()).not.toContain('→ .:53 {\n}\nglobal:53');
  });
});

test('rights that are not what they were are named', () => {
  const role = (verbs: readonly string[]): SeenObject =>
    object('ClusterRole', 'cluster-admin', undefined, { rules: [{ apiGroups: ['*'], resources: ['*'], verbs }] });
  const binding = object('ClusterRoleBinding', 'system:coredns', undefined, { subjects: [] });
  const seen = (objects: readonly SeenObject[]): ClusterSituation => ({
    ...situation('west', (all) => [...all, ...objects]),
    baseline: [...healthy(), role(['*']), binding],
  });
  expect(first(of(seen([role(['get']), binding]), situation('east')))).toBe(
    'MP822 west ClusterRole cluster-admin rules.0.verbs.0',
  );
  expect(first(of(seen([role(['*'])]), situation('east')))).toBe('MP822 west ClusterRoleBinding system:coredns');
});

test('a network view that is not what it was explains a gateway without the endpoint', () => {
  const egress = (value: string): SeenObject =>
    object('Deployment', 'istio-egressgateway', 'istio-system', {
      spec: { template: { spec: { containers: [{ name: 'istio-proxy', env: [{ name: 'VIEW', value }] }] } } },
    });
  const west = {
    ...situation('west', (all) => [...all, egress('elsewhere')]),
    baseline: [...healthy(), egress('external')],
  };
  expect(first(of(west, situation('east')), { brokenAt: 'west', brokenHop: 'workload' })).toContain(
    'Deployment istio-system/istio-egressgateway',
  );
});

describe('what does not go', () => {
  const going = (name: string, namespace: string | undefined, finalizers?: string[]): SeenObject => ({
    ...object('ConfigMap', name, namespace),
    deleting: true,
    ...(finalizers === undefined ? {} : { finalizers }),
  });
  const words = 'namespace foo is gone: not within 60 s';

  test('is named where its finalizers keep the namespace that is waited for', () => {
    const namespace: SeenObject = { ...object('Namespace', 'foo', undefined), deleting: true };
    const held = going('x', 'foo', ['example.com/nobody']);
    const west = situation('west', (all) => [...all, namespace, going('y', 'foo'), held]);
    expect(first(of(west, situation('east')), { words })).toBe('MP826 west ConfigMap foo/x metadata.finalizers');
  });

  test('is nobody’s fault where the failure was about something else', () => {
    const elsewhere = situation('west', (all) => [...all, going('x', 'shop', ['example.com/nobody'])]);
    expect(first(of(elsewhere, situation('east')), { words })).toBe('nothing');
  });

  test('with the mesh is named, and what went with the mesh is not', () => {
    const older = object('ClusterRole', 'istio-reader-older', undefined, { rules: [] });
    const other = object('ClusterRole', 'somebody', undefined, { rules: [] });
    const east = situation('east', () => [object('Namespace', 'bar', undefined), older, other]);
    const gone = { gone: ['west', 'east'], words: '1 objects: ClusterRole istio-reader-older' };
    expect(
      explain(
        of(
          situation('west', () => []),
          east,
        ),
        { ...concern, ...gone },
      ),
    ).toMatchObject([{ code: 'MP822', cluster: 'east', object: 'ClusterRole istio-reader-older' }]);
  });
});

describe('what other scenarios do at the same time', () => {
  const theirs = { 'app.kubernetes.io/managed-by': 'meshproof', 'meshproof/scenario': 'another' };
  const service: SeenObject = { ...object('Service', 'istiocoredns', 'istio-system'), labels: theirs };

  test('is no cause', () => {
    const west = situation('west', (all) => [...all, service]);
    expect(first(of(west, situation('east')))).toBe('nothing');
  });

  test('is one where it is the scenario’s own, and somebody changed it', () => {
    const changed = { ...service, body: { spec: { selector: { app: 'nobody' } } } };
    const west = situation('west', (all) => [...all, changed]);
    const applied = new Map([['west', [{ ...service, body: { spec: { selector: { app: 'istiocoredns' } } } }]]]);
    expect(first(of(west, situation('east')), { applied })).toMatch(/Service istio-system\/istiocoredns/);
  });

  test.each([
    ['somebody else’s service', 'db.other.global', 'nothing'],
    ['the service that is called', 'httpbin.bar.global', 'MP822 west Deployment istio-system/istiod'],
  ])('and a conflict about %s that istiod notes', (_what, host, told) => {
    const line = `"message": "Listener=240.0.0.9_9000 Accepted=TCP Rejected=TCP (${host})"`;
    expect(first(of({ ...situation('west'), controlPlaneLog: [line] }, situation('east')))).toBe(told);
  });
});

test('a pool that gives no addresses any more stands before the gateway that has none', () => {
  const gateway = 'istio-ingressgateway';
  const from = { annotations: { 'metallb.io/ip-allocated-from-pool': 'meshproof' } };
  const pool = (spec: object): SeenObject => ({
    ...object('IPAddressPool', 'meshproof', 'metallb-system', { spec }),
    apiVersion: 'metallb.io/v1beta1',
  });
  const pending = (all: SeenObject[]): SeenObject[] =>
    all.map((one) => (one.kind === 'Service' && one.name === gateway ? { ...one, status: { loadBalancer: {} } } : one));
  const west = {
    ...situation('west', (all) => [...pending(all), pool({ serviceAllocation: { namespaces: ['team-x'] } })]),
    baseline: [...healthy().map((one) => (one.kind === 'Service' ? { ...one, ...from } : one)), pool({})],
  };
  const words = `the gateway of west has no address: istio-system/${gateway}`;
  expect(first(of(west, situation('east')), { words, brokenAt: 'west' })).toBe(
    'MP823 west IPAddressPool metallb-system/meshproof spec.serviceAllocation.namespaces.0',
  );
});

test('of a list the item that went is told, and none that only moved', () => {
  const role = (rules: object[]): SeenObject => object('ClusterRole', 'istiod', undefined, { rules });
  const [a, b, c] = ['tokenreviews', 'pods', 'services'].map((one) => ({ resources: [one], verbs: ['get'] }));
  const west = {
    ...situation('west', (all) => [...all, role([b ?? {}, c ?? {}])]),
    baseline: [...healthy(), role([a ?? {}, b ?? {}, c ?? {}])],
  };
  const [cause] = explain(of(west, situation('east')), concern);
  expect(cause?.does).toContain('rules.0 was {"resources":["tokenreviews"],"verbs":["get"]} and is now not set;');
});

describe('of several lines of one machine the gravest is told', () => {
  const link = (more: string, mtu = 1500): string => `n1: link: eth0@if6: <UP> mtu ${mtu} state UP ${more}`;
  const on = (network: string[], networkBaseline: string[]): string =>
    first(of({ ...situation('west'), network, networkBaseline }, situation('east')));

  test('a process that is stopped, and not a link that is another', () => {
    const now = [link('group b'), 'n1: process: kube-proxy is stopped'];
    expect(on(now, [link('group a')])).toBe('MP820 west n1 process: kube-proxy is stopped');
  });

  test('and of a link its MTU only where that is another', () => {
    const told = (mtu: number): string | undefined =>
      explain(
        of({ ...situation('west'), network: [link('b', mtu)], networkBaseline: [link('a')] }, situation('east')),
        concern,
      )[0]?.does;
    expect(told(1400)).toContain('which has a different MTU');
    expect(told(1500)).toContain('which is another than it was');
  });
});

describe('a pod whose containers never begin', () => {
  const pending: SeenObject = {
    ...pod('httpbin-7d9f4b6c5d-abcde', 'bar', { app: 'httpbin' }, { phase: 'Pending' }),
    body: { spec: { nodeName: 'n1', containers: [{ name: 'istio-proxy' }] } },
  };
  const told = (reason: string, message: string): string => {
    const events = [{ about: 'Pod bar/httpbin-7d9f4b6c5d-abcde', reason, message }];
    return first(of(situation('west'), { ...situation('east', (all) => [...all, pending]), events }));
  };

  test.each([
    [
      'FailedCreatePodSandBox',
      `rpc error: code = Unknown desc = failed to setup network for sandbox "${'0'.repeat(64)}": no IP addresses`,
      'MP820 east Node n1',
    ],
    ['FailedMount', 'MountVolume.SetUp failed for volume "a" : secret "keys" not found', 'MP826 east Secret bar/keys'],
    ['FailedMount', 'MountVolume.SetUp failed for volume "a" : timed out', 'MP826 east Deployment bar/httpbin'],
    ['Unhealthy', 'Readiness probe failed', 'nothing'],
  ])('%s: %s', (reason, message, cause) => {
    expect(told(reason, message)).toBe(cause);
  });
});
