import { expect, test } from 'vitest';
import type { ClusterSituation, SeenObject } from '../situation.ts';
import { whoTookTheRoom } from './room.ts';

const pod = (namespace: string, cpu: string, priorityClassName?: string): SeenObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  namespace,
  name: 'taker',
  labels: {},
  annotations: {},
  body: { spec: { priorityClassName, containers: [{ resources: { requests: { cpu, memory: '1Gi' } } }] } },
  status: { phase: 'Running' },
});
const node: SeenObject = {
  apiVersion: 'v1',
  kind: 'Node',
  name: 'one',
  labels: {},
  annotations: {},
  body: {},
  status: { allocatable: { pods: '16' } },
};
const told = (message: string, ...objects: SeenObject[]) =>
  whoTookTheRoom({ cluster: 'east', objects: [node, ...objects] } as unknown as ClusterSituation, message, ['bar']);

test('the greatest request of what is lacking is named, but for those of the system and of the call', () => {
  const others = [pod('kube-system', '3'), pod('bar', '2'), pod('team-x', '1500m', 'nightly'), pod('team-y', '100m')];
  const taker = told('0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate', ...others);
  expect(taker?.object).toBe('Pod team-x/taker');
  expect(taker?.does).toBe(
    'requests 1.5 cpu of the node with the priority of PriorityClass nightly, so pods of the mesh find no room',
  );
});

test('a node that takes no more pods is named', () => {
  expect(told('0/1 nodes are available: 1 Too many pods.')).toMatchObject({
    object: 'Node one',
    does: 'takes at most 16 pods, and has as many',
  });
});

test('where nobody requests it, or nothing of it is lacking, nobody is named', () => {
  expect(told('0/1 nodes are available: 1 Insufficient cpu.', pod('bar', '2'))).toBeUndefined();
  expect(told('0/1 nodes are available: 1 node(s) had untolerated taint', pod('team-x', '2'))).toBeUndefined();
});
