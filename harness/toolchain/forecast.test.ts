import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectedSeconds, forecast, type Pending } from './forecast.ts';
import { sourceRecipes } from './manifest.ts';
import { keepMeasured, readMeasured } from './measured-times.ts';
import type { Recipe } from './recipe.ts';

const recipe = (id: string, seconds: number, more: Partial<Recipe> = {}): Recipe =>
  ({ id, version: '1', from: 'go', seconds, bytes: 1, provides: {}, programs: {}, module: id, ...more }) as Recipe;
const pending = (...recipes: readonly Recipe[]): Pending[] =>
  recipes.map((one) => ({ recipe: one, seconds: one.seconds }));

describe('what is made side by side', () => {
  test.each<[string, readonly Recipe[], number]>([
    ['nothing', [], 0],
    ['three builds at once on two cores', [recipe('a', 100), recipe('b', 90), recipe('c', 80)], 100],
    ['a fourth begins where the shortest ended', ['a', 'b', 'c', 'd'].map((id, at) => recipe(id, 100 - at)), 195],
    [
      'one that takes what another compiled is begun after it',
      [recipe('a', 100), recipe('b', 30, { shares: 'a' })],
      130,
    ],
    ['or at once where that is there already', [recipe('b', 30, { shares: 'a' })], 30],
    [
      'root filesystems one after the other, beside the builds',
      [recipe('a', 100), recipe('r', 70, { from: 'rootfs' }), recipe('s', 60, { from: 'rootfs' })],
      130,
    ],
  ])('%s', (_what, recipes, seconds) => {
    expect(forecast(pending(...recipes), 'source', 2)).toBe(seconds);
  });

  test('a cold build of everything on two cores is forecast within a quarter of what it took: 674 seconds', () => {
    const seconds = forecast(
      sourceRecipes.map((one) => ({ recipe: one, seconds: expectedSeconds(one, [], 2) })),
      'source',
      2,
    );
    expect(seconds).toBeGreaterThan(674 * 0.75);
    expect(seconds).toBeLessThan(674 * 1.25);
  });
});

describe('one artifact', () => {
  const go = recipe('istio', 600, { version: '2' });

  test.each([
    ['as the manifest has it on as many cores', [], 2, 600],
    ['faster on more cores, but for what waits', [], 4, 400],
    ['slower on one', [], 1, 1_000],
    ['as this machine took it', [{ version: '2', seconds: 900, cores: 2 }], 2, 900],
    [
      'as it took it the last time',
      [
        { version: '2', seconds: 900, cores: 2 },
        { version: '2', seconds: 700, cores: 2 },
      ],
      2,
      700,
    ],
    [
      'by the longest of other versions',
      [
        { version: '1', seconds: 800, cores: 2 },
        { version: '0', seconds: 5, cores: 2 },
      ],
      2,
      800,
    ],
    ['scaled, where the machine has other cores now', [{ version: '2', seconds: 600, cores: 2 }], 4, 400],
  ])('%s', (_what, measured, cores, seconds) => {
    expect(expectedSeconds(go, measured, cores)).toBeCloseTo(seconds);
  });

  test('what is fetched takes as long on any number of cores', () => {
    expect(expectedSeconds(recipe('r', 160, { from: 'rootfs' }), [], 16)).toBe(160);
  });
});

describe('what this machine took', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  test('is kept by recipe, the last five times', async () => {
    const istio = recipe('istio', 1);
    expect(await readMeasured(root, istio)).toEqual([]);
    for (const seconds of [1, 2, 3, 4, 5, 6]) await keepMeasured(root, istio, { seconds, cores: 2 });
    expect((await readMeasured(root, istio)).map(({ seconds }) => seconds)).toEqual([2, 3, 4, 5, 6]);
    expect(await readMeasured(root, recipe('kind', 1))).toEqual([]);
  });

  test('is nothing where the file is not as it was written', async () => {
    const istio = recipe('istio', 1);
    await keepMeasured(root, istio, { seconds: 1, cores: 2 });
    await writeFile(join(root, 'measured', 'istio.json'), '{"half');
    expect(await readMeasured(root, istio)).toEqual([]);
  });
});
