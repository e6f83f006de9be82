import { expect, test } from 'vitest';
import type { ClusterReads } from '../cluster/cluster-reads.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { bringUpMoments } from './bring-up-moments.ts';

const at = (second: number): Date => new Date(Date.UTC(2026, 10, 26, 10, 0, second));
const object = (kind: string, name: string, made: number, rest: Record<string, unknown> = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind,
  ...rest,
  metadata: { name, creationTimestamp: at(made), ...Object(rest['metadata']) },
});
const condition = (type: string, second: number, status = 'True') => ({
  status: { conditions: [{ type, status, lastTransitionTime: at(second) }] },
});
const written = (manager: string, second: number, subresource?: string) => ({
  metadata: { managedFields: [{ manager, time: at(second).toISOString(), subresource }] },
});

const objects = [
  object('Node', 'west-control-plane', 8, condition('Ready', 14)),
  object('Namespace', 'kube-system', 6),
  object('Namespace', 'istio-system', 15),
  object('CustomResourceDefinition', 'gateways.networking.istio.io', 16, condition('Established', 18)),
  object('CustomResourceDefinition', 'bgppeers.metallb.io', 17, condition('Established', 19)),
  object('MutatingWebhookConfiguration', 'istio-sidecar-injector', 17, written('pilot-discovery', 24)),
  object('Deployment', 'istiod', 18, condition('Available', 25)),
  object('Deployment', 'ingress', 18, condition('Available', 32)),
  object('Pod', 'speaker-1', 20, condition('Ready', 28)),
  object('Service', 'ingress', 18, written('controller', 30, 'status')),
];

const cluster = (there: readonly KubernetesObject[]): ClusterReads =>
  ({
    listObjects: (_apiVersion: string, kind: string) => Promise.resolve(there.filter((one) => one.kind === kind)),
    read: ({ kind, metadata }: KubernetesObject) =>
      Promise.resolve(there.find((one) => one.kind === kind && one.metadata.name === metadata.name)),
  }) as unknown as ClusterReads;
const topology = { gateways: ['ingress'], ingressGateway: 'ingress' };

test('the objects of a cluster tell when each part of it was there', async () => {
  expect(await bringUpMoments(cluster(objects), topology, at(1))).toEqual({
    node: { from: at(1), to: at(14) },
    apiServer: { from: at(1), to: at(6) },
    definitions: { from: at(16), to: at(19) },
    istiod: { from: at(18), to: at(25) },
    injection: { from: at(17), to: at(24) },
    gateways: { from: at(18), to: at(32) },
    loadBalancer: { from: at(20), to: at(28) },
    address: { from: at(18), to: at(30) },
  });
});

test('what no object tells is left out, and what is not ready is no moment', async () => {
  const waiting = object('Deployment', 'istiod', 18, condition('Available', 25, 'False'));
  const some = objects.filter(({ kind }) => !['Deployment', 'Pod', 'Service'].includes(kind));
  const told = await bringUpMoments(cluster([...some, waiting]), topology);
  expect(Object.keys(told)).toEqual(['node', 'apiServer', 'definitions', 'injection']);
  expect(told.node).toEqual({ from: at(8), to: at(14) });
});
