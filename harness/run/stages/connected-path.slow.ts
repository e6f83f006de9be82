import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureLab, labIsPossible, labSocket, leaveLab } from '../../lab/lab.ts';
import { labNamespacePath } from '../../lab/network-namespace.ts';
import { describeWith } from '../../machine/needs.ts';
import { ArtifactCache } from '../../toolchain/cache.ts';
import { Docker } from '../../toolchain/docker.ts';
import { releaseNodeImage } from '../../toolchain/images/release-images.ts';
import { pinnedRelease, releaseImages, releaseRecipes, sourceRecipes } from '../../toolchain/manifest.ts';
import { mirroredImage, mirroredUrl } from '../../toolchain/mirror.ts';
import { Publisher } from '../../toolchain/publisher.ts';
import type { Recipe } from '../../toolchain/recipe.ts';
import { provide } from '../../toolchain/make-artifact.ts';

// A machine with every publisher in reach cannot be had in a test, so the publishers come to the machine: a registry
// and a file server, laid out as the real ones are. Everything on this side of them is the real thing: the command
// line, a cold cache, a Docker daemon that pulls.
const bin = fileURLToPath(new URL('../../cli/bin.js', import.meta.url));
const signal = new AbortController().signal;
const cache = ArtifactCache.default();
const pathOf = (url: string): string => mirroredUrl(url, { files: '' }).replace(/^\//, '');
const nameOf = (image: string): string => mirroredImage(image, { images: '' }).replace(/^\//, '');
const unpublished = { istio: '9.9.9', kubernetes: pinnedRelease.kubernetes };
const { 'metallb-controller': controller, 'metallb-speaker': speaker } = releaseImages(pinnedRelease);
/** What stands here is not what the publishers have, so the configuration vouches for it. */
const pins: Record<string, string> = {};

let docker: Docker;
let inLab = false;
let publisher: Publisher;
let running: Publisher | undefined;
let folder: string;
const files: Record<string, string | Buffer> = {};

/** Everything that these tests make and remove; in somebody's own Docker nothing of that name may be there before. */
const imagesOfTest: readonly string[] = [
  'meshproof/publisher',
  'meshproof/connected-root',
  'meshproof/connected-node',
  'meshproof/connected-small',
  ...Object.values(releaseImages(pinnedRelease)),
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-connected-'));
  const recipeOf = (name: string): Recipe => {
    const found: Recipe | undefined = sourceRecipes.find(({ id }) => id === name);
    if (found === undefined) throw new Error(`the manifest has no recipe ${name}`);
    return found;
  };
  const tools = recipeOf('lab-tools');
  const user = new Docker('docker');
  if (labIsPossible() && !(await user.answers())) {
    const paths: Record<string, string> = {};
    for (const recipe of [tools, recipeOf('node-programs')]) {
      const { folder: place } = await provide(recipe, cache, signal);
      for (const [name, file] of Object.entries(recipe.provides)) paths[name] = join(place, file);
    }
    docker = await ensureLab(
      { edition: 'source', paths, keys: {}, istioVersion: '', istioSeries: '', kubernetesVersion: '' },
      cache,
      { name: 'connected-path', state: folder },
      { signal },
    );
    inLab = true;
  } else docker = user;
  publisher = await Publisher.start(docker, cache, signal);
  running = publisher;

  for (const choice of [pinnedRelease, unpublished]) {
    for (const recipe of releaseRecipes(choice)) {
      const program = `#!/bin/sh\necho ${recipe.id}\n`;
      const content =
        recipe.id === 'metallb-manifest-release'
          ? Buffer.from([controller, speaker].map((image) => `        image: ${image}\n`).join(''))
          : recipe.unpack === undefined
            ? Buffer.from(program)
            : await archive(Object.keys(recipe.unpack)[0] ?? '', program);
      files[pathOf(recipe.url)] = content;
      pins[recipe.url] = sha256(content);
      if (recipe.checksumUrl !== undefined) files[pathOf(recipe.checksumUrl)] = `${sha256(content)}  ${recipe.id}\n`;
    }
    for (const name of Object.values(releaseImages(choice))) pins[name] = '0'.repeat(64);
  }
  await publisher.publishFiles(files);

  // A node image has a containerd and a shell; what the other images hold is nobody's business here.
  const { node, ...others } = releaseImages(pinnedRelease);
  if (inLab) {
    // mmdebstrap, which makes its root filesystem where that is not cached, comes with the lab's tools.
    const { folder: rootfs } = await provide(recipeOf('node-rootfs'), cache, signal, [tools]);
    await docker.run(['import', join(rootfs, 'rootfs.tar'), 'meshproof/connected-root']);
    // What kind's images have beside a system: the folder of kind's own files.
    await mkdir(join(folder, 'node'));
    await writeFile(
      join(folder, 'node', 'Dockerfile'),
      'FROM meshproof/connected-root\nCOPY Dockerfile /kind/connected\n',
    );
    const tag = 'meshproof/connected-node';
    await docker.run(['build', '--quiet', '--network', 'none', '--tag', tag, join(folder, 'node')]);
  } else {
    // A Docker with a network needs no Debian: kind's own image is one, and the next run wants it anyway.
    await docker.run(['pull', '--quiet', node], { purpose: 'pull a node image', timeout: 300_000 });
    await docker.run(['tag', node, 'meshproof/connected-node']);
    await docker.run(['image', 'rm', node]);
  }
  await mkdir(join(folder, 'small'));
  await writeFile(join(folder, 'small', 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
  await docker.run([
    'build',
    '--quiet',
    '--network',
    'none',
    '--tag',
    'meshproof/connected-small',
    join(folder, 'small'),
  ]);
  pins[node] = await publisher.publishImage('meshproof/connected-node', nameOf(node));
  for (const image of Object.values(others))
    pins[image] = await publisher.publishImage('meshproof/connected-small', nameOf(image));
}, 600_000);

afterAll(async () => {
  await running?.stop();
  for (const image of [...imagesOfTest, releaseNodeImage({ ...pinnedRelease, pins })])
    if (await docker.hasImage(image)) await docker.run(['image', 'rm', '--force', image]);
  if (inLab) await leaveLab(cache, { name: 'connected-path', state: folder }, { keep: false });
  await rm(folder, { recursive: true });
}, 60_000);

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

/** A tar.gz with one program in it, as Istio publishes istioctl. */
async function archive(name: string, content: string): Promise<Buffer> {
  const place = await mkdtemp(join(folder, 'archive-'));
  await writeFile(join(place, name), content, { mode: 0o755 });
  const { stdout } = await execa('tar', ['-czf', '-', '-C', place, name], { encoding: 'buffer' });
  return Buffer.from(stdout);
}

interface Prepared {
  readonly code: number | undefined;
  readonly stderr: string;
  readonly root: string;
}

/** `meshproof prepare` with the release toolchain, as on a connected machine with Docker, with a cache that is cold. */
async function prepare(
  mirror: { readonly files: string; readonly images: string },
  mesh = `istio@${pinnedRelease.istio}`,
): Promise<Prepared> {
  const place = await mkdtemp(join(folder, 'cold-'));
  const config = join(place, 'meshproof.yaml');
  await writeFile(
    config,
    JSON.stringify({ toolchain: 'release', mirror: { ...mirror, pins }, reports: join(place, 'reports') }),
  );
  const socket = join(place, 'docker.sock');
  const host = docker.host ?? process.env['DOCKER_HOST'];
  if (docker.host !== undefined) await symlink(docker.host.replace('unix://', ''), socket);
  const call = [process.execPath, bin, '--config', config, 'prepare', '--mesh', mesh, '--json'];
  const inside = docker.host === labSocket ? ['nsenter', `--net=${labNamespacePath}`, ...call] : call;
  const root = join(place, 'cache');
  const env = {
    MESHPROOF_CACHE: root,
    MESHPROOF_STATE: join(place, 'state'),
    PATH: `${dirname(docker.program)}:${process.env['PATH'] ?? ''}`,
    ...(docker.host === undefined
      ? host === undefined
        ? {}
        : { DOCKER_HOST: host }
      : { DOCKER_HOST: `unix://${socket}` }),
  };
  const { exitCode, stderr } = await execa(inside[0] ?? '', inside.slice(1), { reject: false, env });
  return { code: exitCode, stderr, root };
}

/** What a cache holds that is no whole artifact. */
async function unfinished(root: string): Promise<string[]> {
  const names = await readdir(root, { recursive: true }).catch(() => []);
  return names.filter((name) => /(^partial\/[^/]+\/.|\.unfinished$)/.test(name));
}
const artifacts = async (root: string): Promise<string[]> =>
  (await readdir(join(root, 'store')).catch(() => [])).sort();

const describe = await describeWith('engine', 'Go', async () => {
  const user = new Docker('docker');
  if (!(await user.answers())) return undefined;
  const taken = await Promise.all(imagesOfTest.map(async (name) => ((await user.hasImage(name)) ? [name] : [])));
  const [first] = taken.flat();
  return first === undefined ? undefined : `Docker has ${first} already, which these tests would replace`;
});

describe('a cold toolchain on a connected machine', () => {
  test('has every program, and all images in the node image', async () => {
    const { code, stderr, root } = await prepare({ files: publisher.files, images: publisher.images });
    expect(stderr).toContain('pulled');
    expect(code, stderr).toBe(0);
    expect(await artifacts(root)).toEqual([
      'istioctl-release',
      'kind-release',
      'kubectl-release',
      'metallb-manifest-release',
    ]);
    expect(await unfinished(root)).toEqual([]);
    const [istioctl = ''] = await readdir(join(root, 'store', 'istioctl-release'));
    expect((await execa(join(root, 'store', 'istioctl-release', istioctl, 'istioctl'))).stdout).toBe(
      'istioctl-release',
    );
    const baked = await docker.run([
      'run',
      '--rm',
      '--privileged',
      '--network',
      'none',
      '--tmpfs',
      '/run',
      '--entrypoint',
      'sh',
      releaseNodeImage({ ...pinnedRelease, pins }),
      '-c',
      'containerd >/dev/null 2>&1 & until ctr version >/dev/null 2>&1; do sleep 0.1; done; ctr -n k8s.io images ls -q',
    ]);
    const { pilot, proxyv2, httpbin, curl } = releaseImages(pinnedRelease);
    for (const image of [pilot, proxyv2, httpbin, curl, controller, speaker])
      expect(baked.stdout).toContain(nameOf(image));
  }, 120_000);

  test('does not pull again what the daemon has: its registry may be gone', async () => {
    const { code, stderr } = await prepare({ files: publisher.files, images: '127.0.0.1:59999' });
    expect(code, stderr).toBe(0);
  }, 60_000);
});

describe('what goes wrong at a publisher has an error of its own, and leaves no half-written cache', () => {
  const [kind] = releaseRecipes(pinnedRelease);
  const kindPath = pathOf(kind?.url ?? '');

  test('a mirror with another file, and the checksum to it', async () => {
    const other = 'somebody else’s program';
    const checksumPath = pathOf(kind?.checksumUrl ?? '');
    await publisher.publishFiles({ [kindPath]: other, [checksumPath]: `${sha256(other)}  kind\n` });
    const { code, stderr, root } = await prepare({ files: publisher.files, images: publisher.images });
    await publisher.publishFiles({ [kindPath]: files[kindPath] ?? '', [checksumPath]: files[checksumPath] ?? '' });
    expect(stderr).toContain('MP303');
    expect(stderr).toContain(kindPath);
    expect(code).toBe(3);
    expect(await artifacts(root)).not.toContain('kind-release');
    expect(await unfinished(root)).toEqual([]);
  }, 60_000);

  test('a download that breaks off', async () => {
    const [, kubectl] = releaseRecipes(pinnedRelease);
    const path = pathOf(kubectl?.url ?? '');
    await publisher.publishFiles({ [`${path}.cut`]: 'yes' });
    const { code, stderr, root } = await prepare({ files: publisher.files, images: publisher.images });
    await publisher.publishFiles({ [`${path}.cut`]: '' });
    expect(stderr).toMatch(/MP302[^\n]*could not fetch/);
    expect(stderr).toContain(path);
    expect(code).toBe(3);
    expect(await artifacts(root)).not.toContain('kubectl-release');
    expect(await unfinished(root)).toEqual([]);
  }, 60_000);

  test('a release that was never published as images', async () => {
    const { code, stderr } = await prepare(
      { files: publisher.files, images: publisher.images },
      `istio@${unpublished.istio}`,
    );
    expect(stderr).toMatch(/MP311[^\n]*there is no sha256:0{64} of \S*istio\/(pilot|proxyv2)/);
    expect(code).toBe(3);
    expect(await docker.hasImage(releaseNodeImage({ ...unpublished, pins }))).toBe(false);
  }, 60_000);

  test('a server that is dead', async () => {
    const { code, stderr, root } = await prepare({ files: 'http://127.0.0.1:59999', images: publisher.images });
    expect(stderr).toMatch(/MP315[^\n]*127\.0\.0\.1:59999/);
    expect(stderr).toContain('ECONNREFUSED');
    expect(code).toBe(3);
    expect(await artifacts(root)).toEqual([]);
    expect(await unfinished(root)).toEqual([]);
  }, 60_000);
});
