import { expect, test } from 'vitest';
import type { ClusterReads } from './cluster-reads.ts';
import { deploymentIsAvailable } from './cluster-waits.ts';

/** A cluster whose one deployment makes no pods, for the reason that it gives. */
const refusing = (message: string): ClusterReads =>
  ({
    address: { name: 'east', kubeconfig: '', context: 'east' },
    core: { listNamespacedPod: () => Promise.resolve({ items: [] }) },
    apps: {
      readNamespacedDeployment: () =>
        Promise.resolve({
          metadata: { generation: 1 },
          spec: { replicas: 1, selector: { matchLabels: { app: 'httpbin' } } },
          status: { observedGeneration: 1, conditions: [{ type: 'ReplicaFailure', status: 'True', message }] },
        }),
    },
  }) as unknown as ClusterReads;

test('a quota ends the wait for a deployment long before its deadline, in the API server’s words', async () => {
  const quota = 'pods "httpbin-1" is forbidden: exceeded quota: small, requested: pods=1, limited: pods=0';
  const begun = performance.now();
  await expect(deploymentIsAvailable(refusing(quota), 'bar', 'httpbin', { within: 60_000 })).rejects.toMatchObject({
    code: 'MP701',
    details: { seen: quota },
  });
  expect(performance.now() - begun).toBeLessThan(20_000);
});

/** A cluster whose one deployment has a pod that waits for its image, for the reason that it gives. */
const pulling = (message: string, foreign: boolean): ClusterReads =>
  ({
    address: { name: 'east', kubeconfig: '', context: 'east', foreign },
    core: {
      listNamespacedPod: () =>
        Promise.resolve({
          items: [
            {
              metadata: { name: 'httpbin-1' },
              status: {
                phase: 'Pending',
                containerStatuses: [
                  {
                    name: 'httpbin',
                    ready: false,
                    restartCount: 0,
                    state: { waiting: { reason: 'ErrImagePull', message } },
                  },
                ],
              },
            },
          ],
        }),
    },
    apps: {
      readNamespacedDeployment: () =>
        Promise.resolve({
          metadata: { generation: 1 },
          spec: { replicas: 1, selector: { matchLabels: { app: 'httpbin' } } },
          status: { observedGeneration: 1 },
        }),
    },
  }) as unknown as ClusterReads;

test.each([
  ['lookup registry: i/o timeout', false, true],
  ['lookup registry: i/o timeout', true, false],
  ['manifest for httpbin:9 not found', true, true],
])(
  'an image that cannot be pulled: %s; on a cluster of the user’s: %s; ends the wait: %s',
  async (why, foreign, ends) => {
    const within = 7_000;
    const begun = performance.now();
    const waiting = deploymentIsAvailable(pulling(why, foreign), 'bar', 'httpbin', { within });
    await expect(waiting).rejects.toMatchObject({ code: 'MP701', details: { seen: expect.stringContaining(why) } });
    expect(performance.now() - begun < within - 500).toBe(ends);
  },
);

test('a webhook that may be about to answer does not', async () => {
  const webhook = 'Internal error occurred: failed calling webhook "inject.x": connection refused';
  const within = 7_000;
  const begun = performance.now();
  await expect(deploymentIsAvailable(refusing(webhook), 'bar', 'httpbin', { within })).rejects.toMatchObject({
    code: 'MP701',
    details: { seen: 'no pod yet' },
  });
  expect(performance.now() - begun).toBeGreaterThan(within - 500);
});
