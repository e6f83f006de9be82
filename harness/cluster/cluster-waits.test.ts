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
