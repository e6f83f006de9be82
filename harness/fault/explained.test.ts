import { beforeAll, describe, expect, test } from 'vitest';
import { builtIn, listScenarios } from '../config/scenario-files.ts';
import { explain } from '../diagnose/causes/explain.ts';
import { seenObject } from '../diagnose/seen-objects.ts';
import type { ClusterSituation, SeenObject } from '../diagnose/situation.ts';
import type { Needs } from '../scenario/scenario.ts';
import { faults } from './catalogue.ts';
import type { Fault } from './fault.ts';

const object = (kind: string, name: string, namespace: string | undefined, rest: object = {}): SeenObject =>
  seenObject({
    apiVersion: 'v1',
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    ...rest,
  });
const pod = (name: string, namespace: string, labels: Record<string, string>): SeenObject => ({
  ...object('Pod', name, namespace, {
    status: { conditions: [{ type: 'Ready', status: 'True' }], phase: 'Running' },
    spec: { containers: [{ name: 'istio-proxy' }] },
  }),
  labels,
});

/** What a healthy cluster has, as far as explainers look at it. */
const healthy: readonly SeenObject[] = [
  pod('istiod-7d9f4b6c5d-abcde', 'istio-system', { app: 'istiod' }),
  pod('istio-ingressgateway-7d9f4b6c5d-abcde', 'istio-system', { istio: 'ingressgateway' }),
  pod('istio-egressgateway-7d9f4b6c5d-abcde', 'istio-system', { istio: 'egressgateway' }),
  pod('coredns-7d9f4b6c5d-abcde', 'kube-system', { 'k8s-app': 'kube-dns' }),
];

/** The object that a cause names, as it was when the mesh was ready and as it is with the fault. */
function changed({ inject, cause: [cause = ''] }: Fault): {
  readonly was?: SeenObject;
  readonly is?: SeenObject;
  readonly rule?: string;
} {
  const [, kind = '', namespace, name = ''] = /^(\S+) (?:(\S+)\/)?(\S+)$/.exec(cause) ?? [];
  const having = (body: object): SeenObject => object(kind, name, namespace, body);
  if ('add' in inject) return { is: seenObject(inject.add) };
  if ('remove' in inject) return { was: having({ spec: {} }) };
  if ('cacerts' in inject) return { was: having({ data: { key: 'a' } }), is: having({ data: { key: 'b' } }) };
  if ('onNode' in inject) return { rule: `rule ${inject.onNode.replace(/^iptables -I (\S+) 1 /, '-A $1 ')}` };
  if ('edit' in inject) {
    const [outer, inner] = inject.field;
    const text = (part: string): SeenObject => having({ [outer]: { [inner]: part } });
    return { was: text(inject.from), is: text(inject.to) };
  }
  return { was: having({}), is: having(inject.with) };
}

/** Those whose change alone tells; what follows from others, a pod that is gone say, takes a cluster. */
const told = faults.filter(
  ({ inject, kills, deletes }) =>
    kills !== undefined && deletes === undefined && !('onNode' in inject && !inject.onNode.startsWith('iptables')),
);

describe('the change that a fault makes is the first cause that is named', () => {
  let needs: ReadonlyMap<string, Needs>;
  beforeAll(async () => {
    needs = new Map((await listScenarios([builtIn])).map(({ meta }) => [meta.id, meta.needs]));
  });

  test.each(told.map((fault) => [fault.id, fault] as const))('%s', (_id, fault) => {
    const { was, is, rule } = changed(fault);
    const odd = fault.at === 'client' ? 'west' : 'east';
    const cluster = (name: string): ClusterSituation => {
      const only = <T>(item: T | undefined): T[] => (item === undefined || name !== odd ? [] : [item]);
      return {
        cluster: name,
        objects: [...healthy, ...only(is)],
        baseline: [...healthy, ...only(was)],
        events: [],
        controlPlaneLog: [],
        refusedCalls: [],
        trust: [],
        network: only(rule).map((line) => `${name}-node: ${line}`),
        networkBaseline: [],
        unseen: [],
      };
    };
    for (const id of fault.noticedBy ?? ['direct-sidecar']) {
      const { namespaces, hosts = [] } = needs.get(id) ?? { namespaces: [] };
      const [first] = explain(
        { clusters: [cluster('west'), cluster('east')], at: '2026-11-25T12:00:00.000Z' },
        {
          client: 'west',
          namespaces: [...namespaces, 'istio-system', 'kube-system', 'metallb-system'],
          hosts: hosts.map(({ host }) => host),
          gateway: 'istio-ingressgateway',
          brokenAt: undefined,
          brokenHop: undefined,
          applied: new Map(),
          words: '',
        },
      );
      expect(first?.cluster, id).toBe(odd);
      if (fault.cause.includes('node')) expect(first?.layer, id).toBe('machine and network');
      else expect(fault.cause, id).toContain(first?.object);
    }
  });
});
