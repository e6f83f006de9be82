import { ApiException, type V1Pod } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import type { ClusterApi } from '../cluster/cluster-api.ts';
import { difference, staleness } from './as-made-now.ts';

interface Differs {
  readonly image?: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly debugged?: boolean;
}

const pod = (
  token: string,
  { image = 'proxy:1', labels = {}, annotations = { a: '1' }, debugged = false }: Differs = {},
): V1Pod => ({
  metadata: {
    name: 'sleep-1',
    generateName: 'sleep-',
    labels: { app: 'sleep', 'pod-template-hash': '1', ...labels },
    annotations,
  },
  spec: {
    nodeName: token,
    containers: [{ name: 'istio-proxy', image, volumeMounts: [{ name: `kube-api-access-${token}`, mountPath: '/x' }] }],
    volumes: [{ name: `kube-api-access-${token}` }],
    ...(debugged ? { ephemeralContainers: [{ name: 'debug' }] } : {}),
  },
});

describe('a pod is as it would be made now', () => {
  test('when only its node and its token differ, and somebody debugs it', () => {
    expect(difference(pod('abcde', { debugged: true }), pod('fghij'))).toBeUndefined();
  });

  test.each<[string, Differs, string]>([
    ['its sidecar has another image', { image: 'proxy:2' }, 'containers'],
    ['an annotation is another', { annotations: { a: '2' } }, 'annotations'],
    ['a label came', { labels: { new: '1' } }, 'labels'],
  ])('not when %s', (_what, differs, part) => {
    expect(difference(pod('abcde'), pod('fghij', differs))).toBe(`${part} would be another now`);
  });
});

describe('the API server is asked', () => {
  const api = (answer: () => Promise<V1Pod>): Pick<ClusterApi, 'core' | 'apps'> =>
    ({
      core: {
        readNamespacedPod: () => Promise.resolve(pod('abcde')),
        createNamespacedPod: ({ body, dryRun }: { readonly body: V1Pod; readonly dryRun: string }) => {
          expect(dryRun).toBe('All');
          expect(body.metadata).toEqual({
            generateName: 'sleep-',
            namespace: 'foo',
            labels: { app: 'sleep', 'pod-template-hash': '1' },
          });
          return answer();
        },
      },
      apps: {
        readNamespacedDeployment: () =>
          Promise.resolve({ spec: { template: { metadata: { labels: { app: 'sleep' } }, spec: { containers: [] } } } }),
      },
    }) as unknown as Pick<ClusterApi, 'core' | 'apps'>;
  const refusal = (code: number, message: string) => () =>
    Promise.reject(new ApiException(code, message, JSON.stringify({ message }), {}));
  const ask = (answer: () => Promise<V1Pod>): Promise<string | undefined> =>
    staleness(api(answer), { namespace: 'foo', name: 'sleep-1', deployment: 'sleep' });

  test('for another pod of the template', async () => {
    expect(await ask(() => Promise.resolve(pod('fghij')))).toBeUndefined();
    expect(await ask(() => Promise.resolve(pod('fghij', { image: 'proxy:2' })))).toBe(
      'containers would be another now',
    );
  });

  test('and what it refuses now is stale', async () => {
    expect(await ask(refusal(403, 'pods "sleep-" is forbidden: exceeded quota'))).toContain('exceeded quota');
  });

  test.each([
    ['a webhook that takes no dry run', refusal(400, 'admission webhook "a" does not support dry run')],
    ['a connection that breaks', () => Promise.reject(new Error('socket hang up'))],
  ])('and %s says nothing', async (_what, answer) => {
    expect(await ask(answer)).toBeUndefined();
  });
});
