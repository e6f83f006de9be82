import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { recipeKey } from './cache.ts';
import { versions } from './manifest.ts';
import { meshName, parseMesh } from './mesh-choice.ts';
import { mirroredImage, mirroredUrl } from './mirror.ts';
import { recipesOf } from './selection.ts';

const april = 'v0.0.0-20260423205519-b01690e6db7d';
const kubernetes = versions.kubernetesSource;
const refused = (code: string, words: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(words) });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-mesh-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('--mesh', () => {
  test.each([
    [undefined, { kind: 'pinned' }],
    [`istio@${versions.istioSource}`, { kind: 'pinned' }],
    [`istio@${versions.istioSource.split('-').at(-1) ?? ''}`, { kind: 'pinned' }],
    ['istio@1.30.1', { kind: 'release', version: '1.30.1' }],
    ['istio@1.31.0-rc.1', { kind: 'release', version: '1.31.0-rc.1' }],
    [`istio@${april}`, { kind: 'module', version: april }],
  ])('%s', async (text, choice) => {
    expect(await parseMesh(text)).toEqual(choice);
  });

  test.each([['1.30.0'], ['istio@master'], ['linkerd@2.14.0'], ['istio@']])('refuses %s', async (text) => {
    await expect(parseMesh(text)).rejects.toThrow(refused('MP103', text));
  });

  test('takes a checkout by its content, wherever it lies', async () => {
    const checkout = async (name: string, content: string): Promise<string> => {
      await mkdir(join(folder, name, '.git'), { recursive: true });
      await writeFile(join(folder, name, 'go.mod'), 'module istio.io/istio\n');
      await writeFile(join(folder, name, 'main.go'), content);
      await writeFile(join(folder, name, '.git', 'index'), name);
      return `path:${join(folder, name)}`;
    };
    const [one, twin, other] = await Promise.all([
      parseMesh(await checkout('one', 'a')),
      parseMesh(await checkout('twin', 'a')),
      parseMesh(await checkout('other', 'b')),
    ]);
    expect(meshName(one)).toBe(meshName(twin));
    expect(meshName(other)).not.toBe(meshName(one));
    const keys = await Promise.all(
      [one, twin, other].map(async (mesh) => {
        const recipe = recipesOf({ edition: 'source', mesh, kubernetes, lab: true }).find(({ id }) => id === 'istio');
        return recipe === undefined ? '' : await recipeKey(recipe);
      }),
    );
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  test('refuses a folder that is none, and another module', async () => {
    await expect(parseMesh(`path:${folder}`)).rejects.toThrow(refused('MP305', 'no Go module'));
    await writeFile(join(folder, 'go.mod'), 'module example.org/other\n');
    await expect(parseMesh(`path:${folder}`)).rejects.toThrow(refused('MP305', 'another Go module'));
  });
});

describe('what an edition cannot give is said before anything is made', () => {
  test.each([
    ['source', { kind: 'release', version: '1.30.0' }, kubernetes, 'Istio 1.30.0'],
    ['source', { kind: 'pinned' }, 'v1.33.1', 'Kubernetes v1.33.1'],
    ['release', { kind: 'module', version: april }, kubernetes, april],
  ] as const)('%s with %o on %s', (edition, mesh, version, words) => {
    expect(() => recipesOf({ edition, mesh, kubernetes: version, lab: false })).toThrow(refused('MP305', words));
  });

  test('a release brings the programs of its own version', () => {
    const recipes = recipesOf({
      edition: 'release',
      mesh: { kind: 'release', version: '1.29.4' },
      kubernetes: 'v1.33.1',
      lab: false,
    });
    expect(recipes.map(({ id, version }) => `${id} ${version}`)).toEqual([
      `kind-release ${versions.kind}`,
      'kubectl-release v1.33.1',
      'istioctl-release 1.29.4',
      `metallb-manifest-release ${versions.metallb}`,
    ]);
  });
});

test('a mirror has every file and image under the name of its publisher', () => {
  const mirror = { files: 'http://files.example/copy/', images: 'images.example/copy' };
  expect(mirroredUrl('https://publisher.example/a/b', mirror)).toBe('http://files.example/copy/publisher.example/a/b');
  expect(mirroredUrl('https://publisher.example/a/b', undefined)).toBe('https://publisher.example/a/b');
  const names = ['istio/pilot:1', 'busybox:1', 'registry.example/a/b:1', 'localhost/c:1'].map((image) =>
    mirroredImage(image, mirror).slice('images.example/copy/'.length),
  );
  expect(names.slice(0, 2).every((name) => /^[a-z.]+\/(library|istio)\//.test(name))).toBe(true);
  expect(names.slice(2)).toEqual(['registry.example/a/b:1', 'localhost/c:1']);
});
