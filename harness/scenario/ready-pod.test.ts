import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { hopeless } from './ready-pod.ts';

const container = (name: string, more: Partial<V1ContainerStatus> = {}): V1ContainerStatus => ({
  name,
  image: 'i',
  imageID: 'i',
  ready: true,
  restartCount: 0,
  ...more,
});
const pod = (containers: V1ContainerStatus[], ready = false): V1Pod => ({
  status: {
    containerStatuses: containers,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  },
});
const proxy = container('istio-proxy');
const waiting = (reason: string): Partial<V1ContainerStatus> => ({ ready: false, state: { waiting: { reason } } });

test.each([
  ['no pod at all', [], 'no pod'],
  [
    'an image that cannot be had',
    [pod([container('httpbin', waiting('ImagePullBackOff')), proxy])],
    'ImagePullBackOff',
  ],
  ['a container that is being created', [pod([container('httpbin', waiting('ContainerCreating')), proxy])], undefined],
  [
    'a program that ends again and again',
    [pod([container('httpbin', { ready: false, restartCount: 2 }), proxy])],
    'CrashLoopBackOff',
  ],
  ['a program that ended once', [pod([container('httpbin', { ready: false, restartCount: 1 }), proxy])], undefined],
  ['a pod without a sidecar', [pod([container('httpbin')], true)], 'no sidecar'],
  ['a pod that is not ready yet', [pod([container('httpbin', { ready: false }), proxy])], undefined],
  [
    'an old pod without a sidecar, and a new one that starts',
    [pod([container('httpbin')], true), pod([container('httpbin', waiting('ContainerCreating')), proxy])],
    undefined,
  ],
])('%s', (_what, pods, why) => {
  expect(hopeless(pods)).toBe(why);
});
