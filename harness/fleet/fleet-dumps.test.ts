import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFleet } from './fleet-dumps.ts';
import { unpackRun, type RecordedRun } from '../../fixtures/runs/recorded-run.ts';
import { diagnoseFleet } from '../diagnose/fleet.ts';

/** Lays the last dump of each proxy out as `istioctl bug-report` does: one archive for each cluster. */
async function asBugReports(run: RecordedRun): Promise<string> {
  const recorded = await unpackRun(run);
  const evidence = join(recorded, 'evidence', 'direct-sidecar');
  const fleet = await mkdtemp(join(tmpdir(), 'meshproof-fleet-'));
  for (const name of (await readdir(evidence)).filter((file) => file.endsWith('config-dump.json')).sort()) {
    const [, cluster = '', namespace = '', pod = ''] =
      /^\d+-(west|east)_([a-z-]+)_(.+)\.config-dump\.json$/.exec(name) ?? [];
    const folder = join(fleet, `bug-report-${cluster}`, 'proxies', namespace, pod);
    await mkdir(folder, { recursive: true });
    await copyFile(join(evidence, name), join(folder, 'config_dump?include_eds'));
  }
  await rm(recorded, { recursive: true });
  return fleet;
}

describe('a whole fleet', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await asBugReports('green');
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  test('each proxy tells which cluster it is of, and what it is', async () => {
    const { proxies: fleet } = await readFleet(folder);
    expect(fleet.map(({ cluster, role }) => `${cluster} ${role}`).sort()).toEqual(['east gateway', 'west sidecar']);
  });

  test('the path between the clusters is followed through both', async () => {
    const [path] = diagnoseFleet((await readFleet(folder)).proxies, { host: 'httpbin.bar.global' });
    expect(path).toMatchObject({ service: 'httpbin.bar.global:8000', diagnosis: undefined });
    expect(path?.hops.map(({ hop }) => hop)).toEqual([
      'listener',
      'route',
      'cluster',
      'mutual TLS',
      'endpoint',
      'listener',
      'filter chain',
      'SNI cluster',
      'workload',
    ]);
  });

  test('a service that nobody declared breaks at the sidecar’s listener', async () => {
    const [path] = diagnoseFleet((await readFleet(folder)).proxies, { host: 'nobody.bar.global', port: 80 });
    expect(path?.diagnosis?.code).toBe('MP802');
  });

  test('without the peer’s dumps the path is followed as far as it goes, and that is said', async () => {
    const [path] = diagnoseFleet(
      (await readFleet(folder)).proxies.filter(({ cluster }) => cluster === 'west'),
      { host: 'httpbin.bar.global' },
    );
    expect(path).toMatchObject({ diagnosis: undefined, unseen: expect.stringContaining('no dump of a gateway') });
  });
});

test.each<[RecordedRun, string]>([
  ['fault-tls', 'MP805'],
  ['fault-sni', 'MP805'],
  ['fault-sidecar', 'MP802'],
  ['fault-gateway', 'MP807'],
])('%s is diagnosed from the dumps alone: %s', async (run, code) => {
  const folder = await asBugReports(run);
  const [path] = diagnoseFleet((await readFleet(folder)).proxies, { host: 'httpbin.bar.global', port: 8000 });
  await rm(folder, { recursive: true });
  expect(path?.diagnosis?.code).toBe(code);
});

test('a folder without dumps, and one whose only dump is cut off, are named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'meshproof-fleet-'));
  await expect(readFleet(folder)).rejects.toThrow(expect.objectContaining({ code: 'MP711' }));
  await writeFile(join(folder, 'config_dump'), '{"configs": [');
  await expect(readFleet(folder)).rejects.toThrow(
    expect.objectContaining({
      code: 'MP703',
      details: expect.objectContaining({ where: join(folder, 'config_dump') }),
    }),
  );
  await rm(folder, { recursive: true });
});

test('a dump that is cut off among others is named, and the others are read', async () => {
  const folder = await asBugReports('green');
  const broken = join(folder, 'bug-report-west', 'config_dump');
  await writeFile(broken, '{"configs": [{"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", "dyn');
  const { proxies, unread } = await readFleet(folder);
  await rm(folder, { recursive: true });
  expect(proxies).toHaveLength(2);
  expect(unread).toEqual([
    expect.objectContaining({ code: 'MP703', details: expect.objectContaining({ where: broken }) }),
  ]);
});
