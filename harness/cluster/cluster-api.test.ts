import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { removeLeftovers, removeOwnNamespaces } from './leftovers.ts';
import { ClusterApi } from './cluster-api.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { ApiServer } from './stand-in/api-server.ts';
import { kubeconfigFor } from './stand-in/kubeconfig.ts';

const corefile: KubernetesObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'coredns', namespace: 'kube-system' },
  data: { Corefile: '.:53 {\n}\nglobal:53 {\n    forward . 10.0.0.1:53\n}\n' },
};
const dns: KubernetesObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'coredns', namespace: 'kube-system' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'dns' } },
    template: { metadata: {}, spec: { containers: [] } },
  },
};
const namespace = (name: string, labels: Record<string, string> = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});
const entry = (port = 8000): KubernetesObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'httpbin-bar', namespace: 'foo' },
  spec: { hosts: ['httpbin.bar.global'], ports: [{ number: port, name: 'http', protocol: 'HTTP' }] },
});
const pod: KubernetesObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'kube-system' } };

let folder: string;
let server: ApiServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  server = await ApiServer.start([namespace('kube-system'), namespace('foo'), corefile, dns, pod]);
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

async function cluster(owner = 'mine-1', { foreign = true, agreed = true } = {}): Promise<ClusterApi> {
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigFor({ ctx: server.url }));
  return new ClusterApi({ name: 'west', kubeconfig, context: 'ctx', foreign, owner, agreed });
}
const refused = expect.objectContaining({ code: 'MP507' }) as Error;

describe('on a cluster that the user owns nothing of anybody else is written', () => {
  test.each<[string, (api: ClusterApi) => Promise<unknown>]>([
    ['apply', (api) => api.apply({ ...corefile, data: { Corefile: '' } })],
    [
      'replace of a ConfigMap',
      (api) => api.core.replaceNamespacedConfigMap({ name: 'coredns', namespace: 'kube-system', body: { data: {} } }),
    ],
    [
      'replace of a deployment',
      async (api) => {
        const body = await api.apps.readNamespacedDeployment({ name: 'coredns', namespace: 'kube-system' });
        return await api.apps.replaceNamespacedDeployment({ name: 'coredns', namespace: 'kube-system', body });
      },
    ],
    ['creation without labels', (api) => api.core.createNamespace({ body: { metadata: { name: 'new' } } })],
    ['deletion of a collection', (api) => api.core.deleteCollectionNamespacedPod({ namespace: 'kube-system' })],
    ['scale', (api) => api.scale('kube-system', 'coredns', 0)],
    ['end of a pod', (api) => api.endPod('kube-system', 'p')],
    ['end of all pods of a namespace', (api) => api.endPods('kube-system')],
    ['a token of a service account', (api) => api.asPod('kube-system', 'coredns')],
    ['claim of a namespace', (api) => api.claimNamespace('foo')],
  ])('%s', async (_what, write) => {
    const before = server.objects;
    await expect(write(await cluster())).rejects.toThrow(refused);
    expect(server.writes).toEqual([]);
    expect(server.objects).toEqual(before);
  });

  test('a deletion leaves it, quietly', async () => {
    const api = await cluster();
    await api.delete(corefile);
    await api.deleteConfigMaps('');
    expect(server.writes).toEqual([]);
  });

  test('the refusal names who made it', async () => {
    await expect((await cluster()).apply(corefile)).rejects.toMatchObject({
      details: { seen: 'one that kubectl made' },
    });
  });
});

test(
  'what is not there is created with the labels of its owner, and changed and deleted in the version that was ' +
    'seen',
  async () => {
    const api = await cluster();
    await api.apply(entry());
    await api.apply(entry(9000));
    const [made] = server.objects.filter(({ kind }) => kind === 'ServiceEntry');
    expect(made?.metadata.labels).toEqual({ 'app.kubernetes.io/managed-by': 'meshproof', 'meshproof/owner': 'mine-1' });
    expect(made?.['spec']).toMatchObject({ ports: [{ number: 9000 }] });
    expect(made?.metadata.managedFields).toMatchObject([{ manager: 'meshproof', operation: 'Apply' }]);
    await api.delete(entry());
    const sent = server.writes.map(({ method, body }) => ({
      method,
      ...(body as { metadata?: object; preconditions?: object }),
    }));
    expect(sent).toMatchObject([
      { method: 'POST' },
      { method: 'PATCH', metadata: { resourceVersion: expect.any(String) } },
      { method: 'PATCH', metadata: { uid: made?.metadata.uid, resourceVersion: expect.any(String) } },
      { method: 'DELETE', preconditions: { uid: made?.metadata.uid, resourceVersion: made?.metadata.resourceVersion } },
    ]);
    expect(server.objects.some(({ kind }) => kind === 'ServiceEntry')).toBe(false);
  },
);

test('two owners on one cluster: neither changes nor deletes what the other made', async () => {
  const [mine, other] = [await cluster('mine-1'), await cluster('other-2')];
  await mine.apply(namespace('bar'));
  await mine.apply({ ...entry(), metadata: { name: 'httpbin-bar', namespace: 'bar' } });
  server.requests.splice(0);
  await expect(other.apply(namespace('bar'))).rejects.toMatchObject({
    code: 'MP507',
    details: { seen: 'one that meshproof made for the environment mine-1' },
  });
  await other.delete(namespace('bar'));
  expect(await removeLeftovers(other)).toEqual([]);
  expect(await removeOwnNamespaces(other)).toEqual({ removed: [], staying: [] });
  expect(server.writes).toEqual([]);
  expect(await mine.ownNamespaces()).toEqual(['bar']);
});

test('before anybody agreed nothing is written, not even what is new', async () => {
  const api = await cluster('mine-1', { agreed: false });
  await expect(api.apply(entry())).rejects.toMatchObject({ code: 'MP508' });
  server.put({
    ...entry(),
    metadata: {
      ...entry().metadata,
      labels: { 'app.kubernetes.io/managed-by': 'meshproof', 'meshproof/owner': 'mine-1' },
    },
  });
  await expect(api.delete(entry())).rejects.toMatchObject({ code: 'MP508' });
  expect(server.writes).toEqual([]);
});

test('somebody who is first between a look and the creation keeps the name', async () => {
  const api = await cluster();
  server.intercept = (method) => {
    if (method !== 'POST') return undefined;
    server.intercept = undefined;
    server.put(entry(1234), 'helm');
    return undefined;
  };
  await expect(api.apply(entry())).rejects.toMatchObject({ code: 'MP507', details: { seen: 'one that helm made' } });
  expect(server.objects.find(({ kind }) => kind === 'ServiceEntry')?.['spec']).toMatchObject({
    ports: [{ number: 1234 }],
  });
});

test('an object that changes hands between a look and the deletion stays', async () => {
  const api = await cluster();
  const made = await api.apply(entry());
  server.intercept = (method) => {
    if (method !== 'DELETE') return undefined;
    server.intercept = undefined;
    server.put({ ...made, metadata: { ...made.metadata, labels: { 'app.kubernetes.io/managed-by': 'helm' } } }, 'helm');
    return undefined;
  };
  await api.delete(entry());
  expect(server.objects.filter(({ kind }) => kind === 'ServiceEntry')).toHaveLength(1);
});

test('a namespace in which somebody else has something stays; what is own in it goes', async () => {
  const api = await cluster();
  await api.applyAll([namespace('bar'), { ...dns, metadata: { name: 'httpbin', namespace: 'bar' } }]);
  server.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'bar' } });
  server.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kube-root-ca.crt', namespace: 'bar' } });
  const theirs = server.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'theirs', namespace: 'bar' } });
  const { staying } = await removeOwnNamespaces(api);
  expect(staying).toMatchObject([{ code: 'MP510', details: { seen: 'Secret bar/theirs' } }]);
  const left = server.objects.filter(({ metadata }) => metadata.namespace === 'bar');
  expect(left).toContainEqual(theirs);
  expect(left.map(({ kind }) => kind)).not.toContain('Deployment');
});

test('a namespace with nothing but own things, and what controllers made of them, goes', async () => {
  const api = await cluster();
  await api.applyAll([namespace('bar'), { ...dns, metadata: { name: 'httpbin', namespace: 'bar' } }]);
  server.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'bar' } });
  expect(await removeOwnNamespaces(api)).toEqual({ removed: ['Namespace bar'], staying: [] });
  expect(server.objects.some(({ metadata }) => metadata.namespace === 'bar')).toBe(false);
});

test('a namespace that was lent is used as it is, and stays', async () => {
  const api = await cluster();
  const lent = server.put(namespace('bar', { 'meshproof/lent': 'true', 'istio-injection': 'enabled' }));
  await api.applyAll([namespace('bar'), { ...entry(), metadata: { name: 'httpbin-bar', namespace: 'bar' } }]);
  expect(await removeOwnNamespaces(api)).toEqual({ removed: ['ServiceEntry bar/httpbin-bar'], staying: [] });
  expect(server.objects).toContainEqual(lent);
  expect(server.writes.map(({ path }) => path.split('/').at(-2))).not.toContain('v1');
});

test('a cluster that meshproof made is its own to change', async () => {
  const api = await cluster('mine-1', { foreign: false });
  await api.apply({ ...corefile, data: { Corefile: 'new' } });
  await api.endPod('kube-system', 'p');
  expect(server.objects.find(({ kind }) => kind === 'ConfigMap')).toMatchObject({ data: { Corefile: 'new' } });
  expect(server.objects.some(({ kind }) => kind === 'Pod')).toBe(false);
});

test('what an interrupted scenario left on a cluster that meshproof made goes, whatever kind it is', async () => {
  const api = await cluster('mine-1', { foreign: false });
  const labels = { 'meshproof/scenario': 'theirs' };
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'x', namespace: 'kube-system', labels },
  };
  const space = namespace('theirs', labels);
  await api.applyAll([lease, { ...lease, metadata: { ...lease.metadata, name: 'kept', labels: {} } }, space]);
  const owner = { apiVersion: 'v1', kind: 'Service', name: 'x', uid: '1' };
  const made = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'x-1', namespace: 'theirs' },
  };
  const own = { 'app.kubernetes.io/managed-by': 'meshproof', 'meshproof/owner': 'mine-1' };
  server.put({ ...made, metadata: { ...made.metadata, labels: { ...labels, ...own }, ownerReferences: [owner] } });
  expect(await removeLeftovers(api)).toEqual(['Lease kube-system/x', 'Namespace theirs']);
  expect(server.objects.filter(({ kind }) => kind === 'Lease').map(({ metadata }) => metadata.name)).toEqual(['kept']);
});

test('on clusters of others leftovers are looked for in own and lent namespaces only', async () => {
  const api = await cluster();
  await api.apply(namespace('bar'));
  server.put(namespace('lent', { 'meshproof/lent': 'true' }));
  const left = { ...entry(), metadata: { name: 'x', namespace: 'lent', labels: { 'meshproof/scenario': 'theirs' } } };
  await api.apply(left);
  server.requests.splice(0);
  expect(await removeLeftovers(api)).toEqual(['ServiceEntry lent/x']);
  const looks = server.requests.filter(({ method, path }) => method === 'GET' && path.includes('/serviceentries'));
  const namespaces = looks.map(({ path }) => /namespaces\/([^/]+)/.exec(path)?.[1]);
  expect(new Set(namespaces)).toEqual(new Set(['bar', 'lent']));
});
