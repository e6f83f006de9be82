import { mkdir, mkdtemp, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { thisProcess } from '../process/process-identity.ts';
import { ArtifactCache, recipeKey, sourceFolder } from './cache.ts';
import { sourceRecipes } from './manifest.ts';
import type { GoRecipe, Recipe } from './recipe.ts';

const recipe: Recipe = {
  id: 'thing',
  version: '1',
  from: 'wheel',
  distribution: 'thing',
  sha256: '00',
  files: {},
  provides: { thing: 'thing' },
  seconds: 1,
  bytes: 1,
};

let cache: ArtifactCache;
beforeEach(async () => {
  cache = new ArtifactCache(await mkdtemp(join(tmpdir(), 'meshproof-test-')));
});
afterEach(async () => {
  await rm(cache.root, { recursive: true });
});

async function make(): Promise<void> {
  const partial = cache.partialFolder(recipe, 'k');
  await mkdir(partial, { recursive: true });
  await writeFile(join(partial, 'thing'), 'content');
}

describe('an artifact', () => {
  test('is absent until it is sealed, and whole from then on', async () => {
    await make();
    expect(await cache.find(recipe, 'k')).toBeUndefined();
    await cache.seal(recipe, 'k', 1.25);
    const found = await cache.find(recipe, 'k');
    expect(found?.record).toMatchObject({ recipe: 'thing', files: { thing: 7 }, seconds: 1.3 });
    expect(await readFile(join(found?.folder ?? '', 'thing'), 'utf8')).toBe('content');
  });

  test('that was damaged counts as absent', async () => {
    await make();
    const { folder } = await cache.seal(recipe, 'k', 1);
    await truncate(join(folder, 'thing'), 3);
    expect(await cache.find(recipe, 'k')).toBeUndefined();
  });

  test('that lacks what it should provide is never sealed', async () => {
    await mkdir(cache.partialFolder(recipe, 'k'), { recursive: true });
    await expect(cache.seal(recipe, 'k', 1)).rejects.toThrow('ENOENT');
    expect(await cache.find(recipe, 'k')).toBeUndefined();
  });
});

test('a lock lets one builder in at a time', async () => {
  const order: string[] = [];
  const build = (name: string) => async (): Promise<void> => {
    order.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    order.push(`${name} ends`);
  };
  await Promise.all([cache.withLock('x', build('a')), cache.withLock('x', build('b'))]);
  expect([order.slice(0, 2), order.slice(2)].map((pair) => pair.map((line) => line[0]))).toEqual([
    [order[0]?.[0], order[0]?.[0]],
    [order[2]?.[0], order[2]?.[0]],
  ]);
});

test('a builder that lives keeps the lock however old its file is', async () => {
  const file = join(cache.root, 'locks', 'x.lock');
  await mkdir(join(cache.root, 'locks'), { recursive: true });
  await writeFile(file, JSON.stringify(await thisProcess()));
  const long = new Date(Date.now() - 3_600_000);
  await utimes(file, long, long);
  const waiting = cache.withLock('x', () => Promise.resolve('taken'), AbortSignal.timeout(1_000));
  await expect(waiting).rejects.toThrow(/timeout|abort/i);
  expect(await readFile(file, 'utf8')).toContain(String(process.pid));
});

test('a builder that was killed has lost the lock at once', async () => {
  const self = await thisProcess();
  await mkdir(join(cache.root, 'locks'), { recursive: true });
  await writeFile(join(cache.root, 'locks', 'x.lock'), JSON.stringify({ ...self, started: 'before' }));
  const begun = performance.now();
  expect(await cache.withLock('x', () => Promise.resolve('taken'))).toBe('taken');
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test('the key follows what the artifact is made of, not how long it takes', async () => {
  const key = await recipeKey(recipe);
  expect(await recipeKey({ ...recipe, seconds: 99, bytes: 99 })).toBe(key);
  expect(await recipeKey({ ...recipe, sha256: '01' })).not.toBe(key);
  expect(await recipeKey({ ...recipe, version: '2' })).not.toBe(key);
});

const goRecipes: readonly GoRecipe[] = sourceRecipes.filter((one) => one.from === 'go');
test.each(goRecipes.filter(({ module }) => !module.startsWith('meshproof/')).map((one) => [one.id, one] as const))(
  'the lock files of %s pin the version of the manifest',
  async (id, one) => {
    const [mod, sum] = await Promise.all(
      ['go.mod', 'go.sum'].map((file) => readFile(join(sourceFolder, id, file), 'utf8')),
    );
    expect(mod).toContain(`${one.module} ${one.version}`);
    expect(sum).toMatch(
      new RegExp(`^${one.module.replaceAll('.', '\\.')} ${one.version.replaceAll('.', '\\.')} h1:`, 'm'),
    );
  },
);
