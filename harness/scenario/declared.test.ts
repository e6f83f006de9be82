import { expect, test } from 'vitest';
import type { ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { checkDeclared, firstCollision, kindsOf } from './declared.ts';

const namespaces = ['shop'];
const mesh = (text: string, name = 'istio'): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'istio-system' },
  data: { mesh: text },
});

/** A cluster with these ConfigMaps; an error where they may not be read. */
const cluster = (
  maps: readonly KubernetesObject[] | Error,
  foreign = true,
): Pick<ClusterApi, 'address' | 'listObjects'> => ({
  address: { name: 'prod', kubeconfig: '', context: '', foreign },
  listObjects: () => (maps instanceof Error ? Promise.reject(maps) : Promise.resolve([...maps])),
});

test.each<[string, readonly KubernetesObject[] | Error, boolean, RegExp | undefined]>([
  ['a mesh of others that writes no JSON logs', [mesh('accessLogFile: /dev/stdout')], true, /as JSON.*: cluster prod$/],
  [
    'one of whose revisions does',
    [mesh(''), mesh('{accessLogFile: x, accessLogEncoding: JSON}', 'istio-a')],
    true,
    undefined,
  ],
  ['one whose configuration nobody may read', new Error('forbidden'), true, undefined],
  ['a mesh that meshproof made', [mesh('')], false, undefined],
])('%s', async (_what, maps, foreign, says) => {
  const why = await firstCollision({ namespaces, reads: ['access log'] }, [cluster(maps, foreign)]);
  if (says === undefined) expect(why).toBeUndefined();
  else expect(why).toMatch(says);
});

test('policies are applied where the scenario says so, and people are told', () => {
  const policy = {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'strict', namespace: 'shop' },
  };
  const silent = (): void => {
    checkDeclared('strict', policy, { namespaces });
  };
  expect(silent).toThrow(
    expect.objectContaining({
      code: 'MP715',
      details: expect.objectContaining({ expected: 'needs.policies with PeerAuthentication' }),
    }),
  );
  const told = { namespaces, policies: ['PeerAuthentication'] } as const;
  checkDeclared('strict', policy, told);
  expect(() => {
    checkDeclared('strict', { ...policy, metadata: { name: 'strict', namespace: 'istio-system' } }, told);
  }).toThrow(expect.objectContaining({ code: 'MP715' }));
  expect(() => {
    checkDeclared('strict', { ...policy, kind: 'EnvoyFilter' }, told);
  }).toThrow(expect.objectContaining({ code: 'MP715' }));
  expect(kindsOf([{}, told, told])).toEqual([...kindsOf([]), 'PeerAuthentications']);
});
