import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { mergeKubeconfigs } from './merged-kubeconfig.ts';

let folder: string;
let both: string;
let single: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  both = join(folder, 'config');
  single = join(folder, 'single.yaml');
  await writeFile(
    both,
    stringify({
      'current-context': 'production',
      contexts: [
        { name: 'production', context: { cluster: 'prod', user: 'boss' } },
        { name: 'arn:aws:eks:eu-1:1:cluster/a', context: { cluster: 'shared', user: 'me', namespace: 'team' } },
        { name: 'lost', context: { cluster: 'gone', user: 'me' } },
      ],
      clusters: [
        { name: 'prod', cluster: { server: 'https://prod' } },
        {
          name: 'shared',
          cluster: { server: 'https://a', 'certificate-authority': 'pki/ca.pem', 'proxy-url': 'http://p:1' },
        },
      ],
      users: [
        { name: 'boss', user: { token: 'secret-of-production' } },
        {
          name: 'me',
          user: {
            'client-certificate': 'pki/me.pem',
            'client-key': '/keys/me.key',
            exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './bin/login', args: ['--sso'] },
          },
        },
      ],
    }),
  );
  await writeFile(
    single,
    stringify({
      contexts: [{ name: 'kind-x-east', context: { cluster: 'shared', user: 'me' } }],
      clusters: [{ name: 'shared', cluster: { server: 'https://east' } }],
      users: [{ name: 'me', user: { token: 'east', exec: { command: 'aws' } } }],
    }),
  );
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

test('contexts are named like the clusters; entries of one name stay apart; nobody else’s come along', async () => {
  const merged = await mergeKubeconfigs([
    { name: 'west', kubeconfig: both, context: 'arn:aws:eks:eu-1:1:cluster/a' },
    { name: 'east', kubeconfig: single, context: 'kind-x-east' },
  ]);
  const text = stringify(merged);
  expect(text).not.toContain('secret-of-production');
  const read = new KubeConfig();
  read.loadFromString(text);
  expect(read.getContexts().map(({ name, namespace }) => ({ name, namespace }))).toEqual([
    { name: 'west', namespace: 'team' },
    { name: 'east', namespace: undefined },
  ]);
  expect(read.getCurrentContext()).toBe('west');
  expect(read.getCurrentCluster()).toMatchObject({ server: 'https://a', caFile: join(folder, 'pki/ca.pem') });
  expect(read.getCurrentUser()).toMatchObject({
    certFile: join(folder, 'pki/me.pem'),
    keyFile: '/keys/me.key',
    exec: { command: join(folder, 'bin/login'), args: ['--sso'] },
  });
  read.setCurrentContext('east');
  expect([read.getCurrentCluster()?.server, read.getCurrentUser()?.token]).toEqual(['https://east', 'east']);
  expect(merged.users[1]?.user).toEqual({ token: 'east', exec: { command: 'aws' } });
  expect(merged.clusters[0]?.cluster['proxy-url']).toBe('http://p:1');
});

test.each([
  [
    'a context that is not there',
    () => ({ kubeconfig: both, context: 'nowhere' }),
    'no context nowhere for cluster west',
  ],
  [
    'a context whose cluster is not there',
    () => ({ kubeconfig: both, context: 'lost' }),
    'names a cluster that is not',
  ],
  ['a file that is not there', () => ({ kubeconfig: join(folder, 'none'), context: 'x' }), 'cannot be read'],
])('%s is told, not passed over', async (_name, address, what) => {
  await expect(mergeKubeconfigs([{ name: 'west', ...address() }])).rejects.toMatchObject({
    code: 'MP504',
    message: expect.stringContaining(what),
  });
});
