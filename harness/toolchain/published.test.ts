import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { publishedWorkloads, releaseNodeImage } from './images/release-images.ts';
import { defaultKubernetes, pinnedRelease, releaseRecipes, versions } from './manifest.ts';
import type { Platform } from './published-image.ts';
import { pinnedByUser, platformOf, publishedEverything, publishedFor, publishedVersions } from './published.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const platforms: readonly Platform[] = ['linux/amd64', 'linux/arm64', 'darwin/amd64', 'darwin/arm64'];

/**
 * What people read and copy from: documents, the action, the workflows, examples, and the texts of --help and of
 * errors.
 */
async function documents(): Promise<string[]> {
  const below = async (folder: string): Promise<string[]> =>
    (await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  const files = [
    join(root, 'README.md'),
    ...(await Promise.all(['docs', 'examples', '.github', '.ci', 'harness/cli', 'harness/errors'].map(below))).flat(),
    join(root, 'harness/config/config.ts'),
  ];
  return files.filter((name) => /\.(md|ya?ml|mjs|ts)$|\.ci\/run$/.test(name) && !/\.(test|slow)\.ts$/.test(name));
}

describe('whatever can be asked for is in the list', () => {
  test.each(platforms)('by default, on %s, with evidence', (platform) => {
    const { files, images } = publishedFor(pinnedRelease, platform);
    expect(files.map(({ id }) => id)).toEqual(['kind', 'kubectl', 'istioctl', 'metallb-manifest']);
    expect(images).toHaveLength(9);
    for (const { evidence } of [...files, ...images]) expect(evidence).toMatch(/\S/);
  });

  test('and what is not pinned of the default is known', () => {
    const holes = platforms.flatMap((platform) => {
      const { files, images } = publishedFor(pinnedRelease, platform);
      return [
        ...files.filter(({ sha256 }) => sha256 === undefined).map(({ url }) => url),
        ...images.filter(({ digest }) => digest === undefined).map(({ name }) => name),
      ];
    });
    expect([...new Set(holes)].sort()).toEqual([
      'https://dl.k8s.io/release/v1.34.11/bin/darwin/amd64/kubectl',
      'https://dl.k8s.io/release/v1.34.11/bin/darwin/arm64/kubectl',
      'istio/pilot:1.31.0',
    ]);
  });

  test('in every document, example, workflow and help text', async () => {
    const seen: string[] = [];
    for (const file of await documents()) {
      const lines = (await readFile(file, 'utf8')).split('\n');
      for (const [line, text] of lines.entries()) {
        const place = `${file.slice(root.length)}:${line + 1}`;
        for (const [, version = ''] of text.matchAll(/istio@(\d+\.\d+\.\d+)/g)) {
          seen.push(version);
          expect(publishedVersions.istio, place).toContain(version);
        }
        // Kubernetes' minor versions of these years; what the source edition compiles is named together with it.
        for (const [version] of text.matchAll(/\bv1\.3\d\.\d+\b/g)) {
          seen.push(version);
          const said = `${lines[line - 1] ?? ''} ${text}`;
          if (version !== versions.kubernetesSource || !said.includes('source'))
            expect(publishedVersions.kubernetes, place).toContain(version);
        }
      }
    }
    expect(seen).toEqual(expect.arrayContaining([pinnedRelease.istio, pinnedRelease.kubernetes]));
  });

  test('well formed, and no tag twice', () => {
    const { files, images } = publishedEverything();
    for (const { sha256, url } of files) expect(sha256 ?? '0'.repeat(64), url).toMatch(/^[0-9a-f]{64}$/);
    for (const { digest, name } of images)
      expect(digest ?? `sha256:${'0'.repeat(64)}`, name).toMatch(/^sha256:[0-9a-f]{64}$/);
    for (const known of [files.flatMap(({ sha256 }) => sha256 ?? []), images.flatMap(({ digest }) => digest ?? [])])
      expect(new Set(known).size).toBe(known.length);
  });
});

describe('the two editions', () => {
  test('have Kubernetes of their own: kind publishes no node image of what is compiled', () => {
    expect(publishedVersions.kubernetes).toContain(defaultKubernetes('release'));
    expect(publishedVersions.kubernetes).not.toContain(defaultKubernetes('source'));
  });

  test('have one mesh, one MetalLB and one httpbin', () => {
    expect(versions.istioRelease.startsWith(`${versions.istioSeries}.`)).toBe(true);
    const { images, files } = publishedFor(pinnedRelease);
    const tagOf = (id: string): string | undefined => images.find((image) => image.id === id)?.name.split(':')[1];
    expect(tagOf('metallb-controller')).toBe(versions.metallb);
    expect(tagOf('metallb-speaker')).toBe(versions.metallb);
    expect(files.find(({ id }) => id === 'metallb-manifest')?.url).toContain(`/${versions.metallb}/`);
    // go-httpbin's module has a v that its tags have not.
    expect(`v${tagOf('httpbin') ?? ''}`).toBe(versions.httpbin);
    expect(tagOf('curl')).toMatch(/^\d/);
  });
});

describe('programs are chosen by platform', () => {
  const urls = (platform: Platform): string[] =>
    publishedFor({ istio: '1.31.0', kubernetes: 'v1.36.4' }, platform).files.map(({ url }) => url);

  test('a Mac with its own processor', () => {
    expect(urls('darwin/arm64').slice(0, 3)).toEqual([
      'https://github.com/kubernetes-sigs/kind/releases/download/v0.33.0/kind-darwin-arm64',
      'https://dl.k8s.io/release/v1.36.4/bin/darwin/arm64/kubectl',
      'https://github.com/istio/istio/releases/download/1.31.0/istioctl-1.31.0-osx-arm64.tar.gz',
    ]);
  });

  test('Linux on a PC', () => {
    expect(urls('linux/amd64').slice(0, 3)).toEqual([
      'https://github.com/kubernetes-sigs/kind/releases/download/v0.33.0/kind-linux-amd64',
      'https://dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubectl',
      'https://github.com/istio/istio/releases/download/1.31.0/istioctl-1.31.0-linux-amd64.tar.gz',
    ]);
  });

  test.each([
    ['darwin', 'arm64', 'darwin/arm64'],
    ['darwin', 'x64', 'darwin/amd64'],
    ['linux', 'arm64', 'linux/arm64'],
    ['linux', 'x64', 'linux/amd64'],
  ])('%s on %s is %s', (system, chip, platform) => {
    expect(platformOf(system, chip)).toBe(platform);
  });

  test('each with a hash of its own', () => {
    const kinds = platforms.map((platform) => publishedFor(pinnedRelease, platform).files[0]?.sha256);
    expect(new Set(kinds).size).toBe(4);
  });
});

describe('what is not in the list', () => {
  const choice = { istio: '1.30.5', kubernetes: 'v1.33.9' };

  test('has the names that its publishers would give it, and no hash', () => {
    const { files, images } = publishedFor(choice, 'linux/amd64');
    const istioctl = files.find(({ id }) => id === 'istioctl');
    expect(istioctl).toMatchObject({
      url: 'https://github.com/istio/istio/releases/download/1.30.5/istioctl-1.30.5-linux-amd64.tar.gz',
      checksumUrl: 'https://github.com/istio/istio/releases/download/1.30.5/istioctl-1.30.5-linux-amd64.tar.gz.sha256',
      sha256: undefined,
      evidence: undefined,
    });
    expect(images.find(({ id }) => id === 'node')).toEqual({
      id: 'node',
      name: 'kindest/node:v1.33.9',
      digest: undefined,
      evidence: undefined,
    });
    // The rest does not depend on the choice.
    expect(files.find(({ id }) => id === 'kind')?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('can be pinned by the user, who is also believed before the list', () => {
    const [file, image] = ['a'.repeat(64), 'B'.repeat(64)];
    const url = publishedFor(pinnedRelease).files[0]?.url ?? '';
    const { files, images } = publishedFor({
      ...choice,
      pins: { [url]: file, 'istio/pilot:1.30.5': `sha256:${image}` },
    });
    expect(files[0]?.sha256).toBe(file);
    expect(images.find(({ id }) => id === 'pilot')?.digest).toBe(`sha256:${'b'.repeat(64)}`);
  });
});

test('another digest, or another manifest of MetalLB, makes another node image', () => {
  const manifest = publishedFor(pinnedRelease).files.find(({ id }) => id === 'metallb-manifest')?.url ?? '';
  const names = [{}, { 'curlimages/curl:8.11.1': '1'.repeat(64) }, { [manifest]: '2'.repeat(64) }].map((pins) =>
    releaseNodeImage({ ...pinnedRelease, pins }),
  );
  expect(new Set(names).size).toBe(3);
  expect(releaseNodeImage({ ...pinnedRelease, kubernetes: 'v1.36.4' })).not.toBe(names[0]);
});

test('a hash is part of what an artifact in the cache is called by', () => {
  const [kind] = releaseRecipes(pinnedRelease);
  expect(kind?.sha256).toMatch(/^[0-9a-f]{64}$/);
  const [other] = releaseRecipes({ ...pinnedRelease, pins: { [kind?.url ?? '']: '3'.repeat(64) } });
  expect(other).toEqual({ ...kind, sha256: '3'.repeat(64) });
});

test('samples on clusters that you own come from the same list, by digest', () => {
  expect(publishedWorkloads.httpbin.image).toMatch(/^mccutchen\/go-httpbin:2\.18\.3@sha256:[0-9a-f]{64}$/);
  expect(publishedWorkloads.curl).toMatch(/^curlimages\/curl:8\.11\.1@sha256:[0-9a-f]{64}$/);
});

test('what the user vouches for is reported, unless the list says the same', () => {
  const curl = publishedFor(pinnedRelease).images.find(({ id }) => id === 'curl');
  const same = { [curl?.name ?? '']: curl?.digest ?? '' };
  const other = { 'istio/pilot:1.31.0': 'A'.repeat(64), 'nobody/asks:1': 'b'.repeat(64) };
  expect(pinnedByUser({ istio: '1.31.0', kubernetes: 'v1.34.11', pins: { ...same, ...other } })).toEqual([
    'istio/pilot:1.31.0',
  ]);
  expect(pinnedByUser({ istio: '1.31.0', kubernetes: 'v1.34.11' })).toEqual([]);
});
