import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clusterNames, configWithClusters } from './options.ts';

describe('--clusters', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
    file = join(folder, 'meshproof.yaml');
    await writeFile(file, 'name: many\n');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  test.each([
    [2, ['west', 'east', 'north'], ['west', 'east']],
    [4, ['west', 'east'], ['west', 'east', 'cluster-3', 'cluster-4']],
    [4, ['cluster-3', 'east'], ['cluster-3', 'east', 'cluster-4', 'cluster-5']],
  ])('%d of %j', (count, given, names) => {
    expect(clusterNames(count, given)).toEqual(names);
  });

  test('gives the config as many clusters, and leaves it without', async () => {
    expect((await configWithClusters(file, { topology: 'multi-primary' }, '3')).clusters).toEqual([
      'west',
      'east',
      'cluster-3',
    ]);
    expect((await configWithClusters(file, {}, undefined)).clusters).toEqual(['west', 'east']);
  });

  test.each(['1', '17', '2.5', 'many'])('%s is refused', async (count) => {
    await expect(configWithClusters(file, {}, count)).rejects.toMatchObject({ code: 'MP103' });
  });

  test('clusters that somebody owns are not invented', async () => {
    await writeFile(file, 'provider: existing\ncontexts: { west: a, east: b }\n');
    await expect(configWithClusters(file, {}, '3')).rejects.toMatchObject({ code: 'MP102' });
  });
});
