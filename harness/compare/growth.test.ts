import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClusterApi } from '../cluster/cluster-api.ts';
import { removeLeftovers } from '../cluster/leftovers.ts';
import { ApiServer, status } from '../cluster/stand-in/api-server.ts';
import { kubeconfigFor } from '../cluster/stand-in/kubeconfig.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { silentProgress, type Progress } from '../progress/progress.ts';
import type { Environment } from '../scenario/environment.ts';
import { growingMesh } from './growing-mesh.ts';
import {
  clusterOf,
  growingEntry,
  growthNamespace,
  makeGrowthNamespace,
  patternOf,
  removeGrowthNamespace,
  type GrowingService,
} from './growing-services.ts';
import { growth, type GrowingMesh } from './growth.ts';

describe('a mesh that grows', () => {
  const calls: string[] = [];
  let pushes: number;
  beforeEach(() => {
    calls.splice(0);
    pushes = 0;
  });

  /** Each push is of 1,000 bytes and takes istiods a tenth of a second. */
  const mesh = (change: Partial<GrowingMesh> = {}): GrowingMesh => ({
    begin: () => {
      calls.push('begin');
      return Promise.resolve();
    },
    offer: (services) => {
      pushes += 2;
      calls.push(`offer ${services.map(({ number, port }) => `${number}:${port}`).join(' ')}`);
      return Promise.resolve(services.length);
    },
    calm: () => Promise.resolve(),
    spent: () =>
      Promise.resolve({
        istiods: { cpuSeconds: pushes / 10, sent: { Cluster: { count: pushes, bytes: pushes * 1_000 } } },
        harnessCpuSeconds: pushes / 100,
        memoryBytes: { west: 700 },
      }),
    end: () => {
      calls.push('end');
      return Promise.resolve();
    },
    ...change,
  });
  const how = { services: [2, 3], changes: 3, progress: silentProgress, signal: new AbortController().signal };

  test('gets what is new at each size, and then one change after the other, each by another port', async () => {
    const sizes = await growth(mesh(), how);
    expect(calls).toEqual([
      'begin',
      'offer 0:8000 1:8000',
      ...['offer 0:8001', 'offer 1:8001', 'offer 0:8002'],
      'offer 2:8000',
      ...['offer 0:8003', 'offer 1:8002', 'offer 2:8001'],
      'end',
    ]);
    expect(sizes.map(({ services, appliedSeconds }) => [services, appliedSeconds])).toEqual([
      [2, 2],
      [3, 1],
    ]);
    expect(sizes[0]).toMatchObject({
      changes: 3,
      heldSeconds: { p50: 1, p99: 1, max: 1 },
      sent: { Cluster: { pushes: 6, bytesPerPush: 1_000 }, all: { pushes: 6, bytesPerPush: 1_000 } },
      istiodCpuSeconds: 0.6,
      harnessCpuSeconds: 0.06,
      memoryBytes: { west: 700 },
    });
  });

  test('is as it was before when a change does not arrive, and the error is that of the change', async () => {
    const late = new MeshproofError('MP701', { what: 'late' });
    const offer = (services: readonly GrowingService[]) =>
      services.length === 1 ? Promise.reject(late) : Promise.resolve(1);
    await expect(growth(mesh({ offer }), how)).rejects.toBe(late);
    expect(calls).toEqual(['begin', 'end']);
  });

  test('is as it was before when somebody interrupts', async () => {
    const stop = new AbortController();
    const offer = (services: readonly GrowingService[]) => {
      if (services.length === 1) stop.abort(new MeshproofError('MP901', { what: 'stopped by SIGINT' }));
      return Promise.resolve(1);
    };
    await expect(growth(mesh({ offer }), { ...how, signal: stop.signal })).rejects.toMatchObject({ code: 'MP901' });
    expect(calls).toEqual(['begin', 'end']);
  });

  test('tells what it could not remove, beside what went wrong first', async () => {
    const notes: string[] = [];
    const progress: Progress = { ...silentProgress, note: (line) => notes.push(line) };
    const first = new MeshproofError('MP504', { what: 'no room' });
    const end = () => Promise.reject(new MeshproofError('MP701', { what: 'it stays' }));
    await expect(growth(mesh({ begin: () => Promise.reject(first), end }), { ...how, progress })).rejects.toBe(first);
    expect(notes.join('\n')).toContain('it stays');
    await expect(growth(mesh({ end }), how)).rejects.toMatchObject({ code: 'MP701' });
  });

  test('says nothing about an istiod that started anew', async () => {
    const spent = () =>
      Promise.resolve({
        istiods: { cpuSeconds: 100 - pushes, sent: {} },
        harnessCpuSeconds: 0,
        memoryBytes: {},
      });
    await expect(growth(mesh({ spent }), how)).rejects.toMatchObject({ code: 'MP702' });
    expect(calls.at(-1)).toBe('end');
  });
});

describe('what is added', () => {
  const peers = [
    { address: '172.18.0.10', kind: 'ip' },
    { address: 'gateway.example', kind: 'hostname' },
  ] as const;

  test('is an entry for a service behind each peer’s gateway in turn, with an address of its own', () => {
    const entries = Array.from({ length: 1_000 }, (_, number) => growingEntry({ number, port: 8000 }, peers));
    const spec = (index: number) => entries[index]?.['spec'] as Record<string, unknown>;
    expect(spec(0)).toMatchObject({ resolution: 'STATIC', endpoints: [{ address: '172.18.0.10' }] });
    expect(spec(1)).toMatchObject({ resolution: 'DNS', endpoints: [{ address: 'gateway.example' }] });
    expect(new Set(entries.map((_, index) => String(spec(index)['addresses']))).size).toBe(1_000);
    expect(spec(999)['addresses']).toEqual(['241.0.3.232']);
  });

  test.each([
    ['one change', [{ number: 1, port: 8002 }]],
    ['many services', [0, 1, 2].map((number) => ({ number, port: 8000 }))],
  ])('is found by a pattern: %s', (_what, services) => {
    const pattern = new RegExp(`^(?:${patternOf(services)})$`);
    expect(services.map(clusterOf).filter((name) => pattern.test(name))).toHaveLength(services.length);
    expect(pattern.test('outbound|8000||httpbin.bar.global')).toBe(false);
    expect(pattern.test('outbound|8002||remote-10.meshproof-growth.global')).toBe(services.length > 1);
  });
});

describe('in a cluster', () => {
  let folder: string;
  let server: ApiServer;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
    server = await ApiServer.start([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } },
      { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata: { name: 'theirs', namespace: 'foo' } },
    ]);
    await writeFile(join(folder, 'kubeconfig'), kubeconfigFor({ west: server.url }));
  });
  afterEach(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });
  const address = () => ({ name: 'west', kubeconfig: join(folder, 'kubeconfig'), context: 'west', owner: 'mine-1' });
  const names = () => server.objects.map(({ metadata }) => metadata.name).sort();
  const entry = growingEntry({ number: 0, port: 8000 }, [{ address: '172.18.0.10', kind: 'ip' }]);
  const { signal } = new AbortController();

  test('everything goes into one namespace, and with it again', async () => {
    const api = new ClusterApi(address());
    await makeGrowthNamespace(api, signal);
    await api.applyAll([entry], signal);
    expect(names()).toEqual(['foo', growthNamespace, 'remote-0', 'theirs'].sort());
    await removeGrowthNamespace(api);
    expect(names()).toEqual(['foo', 'theirs']);
  });

  test('what a killed measurement left goes by the next one, and by the next run', async () => {
    const api = new ClusterApi(address());
    await makeGrowthNamespace(api, signal);
    await api.applyAll([entry], signal);
    await makeGrowthNamespace(api, signal);
    expect(names()).toEqual(['foo', growthNamespace, 'theirs'].sort());
    expect(await removeLeftovers(api)).toEqual([`Namespace ${growthNamespace}`]);
    expect(names()).toEqual(['foo', 'theirs']);
  });

  test('a cluster that refuses does not keep the others from being cleaned up', async () => {
    const other = await ApiServer.start();
    try {
      await writeFile(join(folder, 'kubeconfig'), kubeconfigFor({ west: server.url, east: other.url }));
      const gateway = { address: '172.18.0.10', kind: 'ip' } as const;
      const clusters = ['west', 'east'].map((name) => ({ ...address(), name, context: name, gateway }));
      const environment = { provider: 'kind', clusters, programs: { kubectl: 'kubectl' } } as unknown as Environment;
      const mesh = growingMesh(environment, silentProgress, signal);
      await mesh.begin();
      other.intercept = (method) => (method === 'DELETE' ? status(403, 'no') : undefined);
      await expect(mesh.end()).rejects.toThrow();
      expect(names()).toEqual(['foo', 'theirs']);
    } finally {
      await other.stop();
    }
  });

  test('of a mesh that meshproof did not install nothing is measured', () => {
    const environment = { provider: 'existing', clusters: [address()], programs: {} } as unknown as Environment;
    expect(() => growingMesh(environment, silentProgress, signal)).toThrow(
      expect.objectContaining({ code: 'MP509' }) as Error,
    );
  });
});
