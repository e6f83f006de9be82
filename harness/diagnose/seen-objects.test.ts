import { expect, test } from 'vitest';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { seeObjects } from './seen-objects.ts';

const defined = (group: string, kind: string): KubernetesObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.toLowerCase()}s.${group}` },
  spec: {
    group,
    names: { kind },
    versions: [
      { name: 'v1beta1', served: true, storage: false },
      { name: 'v1', served: true, storage: true },
    ],
  },
});

test('kinds that a newer mesh defines are looked at, and those of others are not', async () => {
  const asked: string[] = [];
  const listObjects = (apiVersion: string, kind: string): Promise<KubernetesObject[]> => {
    asked.push(`${apiVersion} ${kind}`);
    if (kind === 'CustomResourceDefinition')
      return Promise.resolve([
        defined('extensions.istio.io', 'Nova'),
        defined('networking.istio.io', 'Sidecar'),
        defined('gateway.networking.k8s.io', 'HTTPRoute'),
        defined('shop.example', 'Till'),
      ]);
    return Promise.resolve(
      kind === 'Nova' ? [{ apiVersion, kind, metadata: { name: 'x', namespace: 'bar' }, spec: { a: 1 } }] : [],
    );
  };
  const { objects, unseen } = await seeObjects({ listObjects });
  expect(unseen).toEqual([]);
  expect(objects.find(({ kind }) => kind === 'Nova')).toMatchObject({ namespace: 'bar', body: { spec: { a: 1 } } });
  expect(asked).toContain('gateway.networking.k8s.io/v1 HTTPRoute');
  expect(asked.filter((one) => one.endsWith(' Sidecar'))).toHaveLength(1);
  expect(asked.filter((one) => one.includes('shop.example'))).toEqual([]);
});
