import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ErrorCode } from '../errors/catalogue.ts';
import { mirroredImage, mirroredUrl } from '../toolchain/mirror.ts';
import { publishedFor } from '../toolchain/published.ts';
import { pinnedRelease } from '../toolchain/manifest.ts';
import { parseImage } from '../toolchain/registry.ts';
import { daemonSays, writeDockerProgram, type DockerAnswers } from '../toolchain/stand-in/docker-program.ts';
import { registryListener } from '../toolchain/stand-in/registry.ts';
import { recipesOf } from '../toolchain/selection.ts';
import { startProxy, startServer, type RunningServer } from '../toolchain/stand-in/servers.ts';
import { parseConfig, type Config } from '../config/config.ts';
import { examine } from './doctor.ts';
import { chooseEngine, type Engine } from '../environment/engine.ts';
import { examineMachine, type Room } from './machine.ts';

const bin = fileURLToPath(new URL('../cli/bin.js', import.meta.url));
const running: RunningServer[] = [];
const start = async <T extends RunningServer>(starting: Promise<T>): Promise<T> => {
  const server = await starting;
  running.push(server);
  return server;
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  vi.stubEnv('PATH', `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`);
  vi.stubEnv('MESHPROOF_CACHE', join(folder, 'cache'));
  vi.stubEnv('MESHPROOF_STATE', join(folder, 'state'));
  for (const name of ['DOCKER_HOST', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'])
    vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of running.splice(0)) await server.stop();
  await rm(folder, { recursive: true });
});

const docker = (answers: DockerAnswers = {}): Promise<void> => writeDockerProgram(join(folder, 'bin'), answers);
const published = publishedFor(pinnedRelease);

interface Publishing {
  /** Images that are left out, by id. */
  readonly without?: readonly string[];
  readonly login?: 'none' | 'token' | 'password';
}

/** A file server and a registry that have what the pinned release needs, as a mirror of a configuration. */
async function publish({ without = [], login = 'none' }: Publishing = {}): Promise<string> {
  const paths = new Set(published.files.map(({ url }) => mirroredUrl(url, { files: '' })));
  const files = await start(
    startServer((question, answer) => answer.writeHead(paths.has(question.url ?? '') ? 200 : 404).end()),
  );
  const images: Record<string, string[]> = {};
  for (const { id, name, digest } of published.images) {
    const { repository, tag } = parseImage(mirroredImage(name, { images: 'mirror.example' }));
    const there = [tag, digest ?? `sha256:${'a'.repeat(64)}`];
    images[repository] = [...(images[repository] ?? []), ...(without.includes(id) ? ['9.9.8', '9.9.9'] : there)];
  }
  const registry = await start(startServer(registryListener({ images, login })));
  return mirrorOf(files.host, registry.host);
}

/** A mirror of both kinds, with a hash for everything that the list has none for. */
function mirrorOf(files: string, images: string): string {
  const names = [
    ...published.files.flatMap(({ url, sha256 }) => (sha256 === undefined ? [url] : [])),
    ...published.images.flatMap(({ name, digest }) => (digest === undefined ? [name] : [])),
  ];
  const pins = Object.fromEntries(names.map((name) => [name, 'a'.repeat(64)]));
  return `mirror: ${JSON.stringify({ files: `http://${files}`, images, pins })}`;
}

const configOf = (...lines: readonly string[]): Config => parseConfig(lines.join('\n'), 'meshproof.yaml');
const codes = (problems: readonly { readonly code: ErrorCode }[]): ErrorCode[] => problems.map(({ code }) => code);

describe('publishers', () => {
  test('that have everything are counted, each file and each image', async () => {
    await docker();
    const { publishers, problems, engine, edition } = await examine(configOf(await publish({ login: 'token' })));
    expect(problems).toEqual([]);
    expect([engine, edition]).toEqual(['user', 'release']);
    expect(publishers.map(({ state }) => state)).toEqual(Array(publishers.length).fill('there'));
    expect(publishers.map(({ id }) => id)).toEqual(expect.arrayContaining(published.images.map(({ id }) => id)));
    expect(publishers.filter(({ kind }) => kind === 'file').length).toBeGreaterThanOrEqual(published.files.length);
  });

  test('are not asked for images that the daemon has', async () => {
    await docker({ commands: { 'image inspect': "echo 'sha256:1'" } });
    const { publishers } = await examine(configOf(await publish({ without: published.images.map(({ id }) => id) })));
    expect(publishers.filter(({ kind }) => kind === 'image')).toEqual([]);
  });

  test('a missing image is a problem that names it and its nearest tags', async () => {
    await docker();
    const { problems, ready } = await examine(configOf(await publish({ without: ['pilot'] })));
    expect(ready).toBe(false);
    expect(problems).toEqual([
      {
        code: 'MP311',
        message: expect.stringMatching(
          /there is no sha256:\w+ of docker.io\/istio\/pilot; the nearest are 9\.9\.8, 9\.9\.9/,
        ),
        remedy: expect.any(String),
      },
    ]);
  });

  test('a mirror without a hash to hold it against is refused before it is asked to give anything', async () => {
    await docker();
    const { problems } = await examine(configOf('mesh: istio@1.99.0', await publish()));
    expect(problems).toContainEqual(
      expect.objectContaining({ code: 'MP306', message: expect.stringContaining('istio/pilot:1.99.0') }),
    );
  });

  test('a registry that asks for a login is a problem of its own', async () => {
    await docker();
    const { problems } = await examine(configOf(await publish({ login: 'password' })));
    expect(new Set(codes(problems))).toEqual(new Set(['MP313']));
  });

  test('that cannot be reached never make the choice of source: it is named as the other way', async () => {
    await docker();
    const dead = await startServer(() => undefined);
    await dead.stop();
    const { problems, edition } = await examine(configOf(mirrorOf(dead.host, dead.host)));
    expect(edition).toBe('release');
    expect(new Set(codes(problems))).toEqual(new Set(['MP315']));
    expect(problems[0]?.remedy).toContain('--toolchain source');
    expect(problems.length).toBeLessThan(3);
  });

  test('a proxy that asks for a login is named once for all', async () => {
    await docker();
    const proxy = await start(startProxy('me:secret'));
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.host}`);
    const { problems } = await examine(configOf(''));
    expect(new Set(codes(problems))).toEqual(new Set(['MP312']));
    expect(problems[0]?.message).toContain(`HTTPS_PROXY http://${proxy.host}`);
  });

  test('a proxy here and none in the daemon is a warning', async () => {
    await docker();
    const proxy = await start(startProxy());
    vi.stubEnv('https_proxy', `http://${proxy.host}`);
    const { warnings, problems } = await examine(configOf(await publish()));
    expect(problems).toEqual([]);
    expect(codes(warnings)).toContain('MP319');
  });
});

describe('an engine that cannot be used', () => {
  test.each<[string, DockerAnswers, ErrorCode, string]>([
    [
      'no permission',
      daemonSays("echo 'permission denied while trying to connect' >&2; exit 1"),
      'MP205',
      'permission denied while trying',
    ],
    ['podman', { commands: { '--version': 'echo podman version 4.9.4' } }, 'MP207', 'podman version 4.9.4'],
    ['another machine', { host: 'ssh://me@far' }, 'MP209', 'ssh://me@far'],
    [
      'a refusing daemon',
      daemonSays("echo 'Error response from daemon: no' >&2; exit 1"),
      'MP201',
      'Error response from daemon: no',
    ],
  ])('%s: neither the lab nor source takes its place', async (_what, answers, code, words) => {
    await docker(answers);
    const report = await examine(configOf(''));
    expect(report.engine).toBe('none');
    expect(report.problems).toContainEqual({
      code,
      message: expect.stringContaining(words),
      remedy: expect.any(String),
    });
  });

  test('a daemon and publishers that hang do not keep the doctor', async () => {
    const silent = await start(startServer(() => undefined));
    const mirror = mirrorOf(silent.host, silent.host);
    await docker();
    const started = performance.now();
    expect(new Set(codes((await examine(configOf(mirror))).problems))).toEqual(new Set(['MP317']));
    await docker(daemonSays('sleep 60'));
    const between = performance.now();
    expect(codes((await examine(configOf(mirror))).problems)).toContain('MP206');
    const [publishers, engine] = [between - started, performance.now() - between];
    // The deadlines are 3.5 s and 5 s, what is above them is the machine’s; without them it would be a minute and more.
    expect(publishers).toBeLessThan(30_000);
    expect(engine).toBeLessThan(30_000);
  }, 90_000);

  test('the docker context leads what is started later', async () => {
    const host = 'unix:///home/me/.colima/default/docker.sock';
    await docker({ host });
    await examine(configOf(await publish()));
    expect(process.env['DOCKER_HOST']).toBe(host);
  });

  test('a mesh that has to be built is built with the user’s Docker, too, and the report says why', async () => {
    await docker();
    const mesh = 'istio@v0.0.0-20260826214018-9739e10eb9d7';
    expect(await examine(configOf(`mesh: ${mesh}`))).toMatchObject({
      engine: 'user',
      edition: 'source',
      editionWhy: expect.stringContaining('has to be built'),
      publishers: [],
    });
  });
});

describe('the machine', () => {
  const kubernetes = (version: string, ...lines: readonly string[]): Config =>
    configOf(`kubernetes: ${version}`, ...lines);

  test('control groups version 1 and Kubernetes 1.35 do not fit', async () => {
    await docker({ info: { CgroupVersion: '1' } });
    expect(codes((await examine(kubernetes('v1.36.4', await publish()))).problems)).toContain('MP210');
    expect(codes((await examine(kubernetes('v1.34.11', await publish()))).problems)).not.toContain('MP210');
  });

  test('rootless Docker without delegated controllers does not do', async () => {
    await docker({ info: { SecurityOptions: ['name=rootless'], PidsLimit: false } });
    const { problems } = await examine(configOf(await publish()));
    expect(problems).toContainEqual(
      expect.objectContaining({ code: 'MP210', message: expect.stringContaining('pids') }),
    );
  });

  test('what is in a virtual machine is not looked at, and that is said', async () => {
    await docker({ info: { OperatingSystem: 'Docker Desktop', Name: 'docker-desktop' } });
    const { skipped } = await examine(configOf(await publish()));
    expect(skipped).toEqual([
      expect.stringMatching(/^disk of Docker’s data root: .*Docker Desktop/),
      expect.stringMatching(/^memory and inotify limits: .*Docker Desktop/),
    ]);
  });

  describe('the disk', () => {
    const GB = 1_000_000_000;
    /** A user's Docker on this machine, whose data root is somewhere that exists. */
    const daemon = async (): Promise<Engine> => {
      await docker({ info: { DockerRootDir: folder, Name: hostname() } });
      return await chooseEngine();
    };
    test.each<[string, Room, Room, ErrorCode[]]>([
      ['both have room', { free: 100 * GB, device: 1 }, { free: 100 * GB, device: 2 }, []],
      ['Docker’s is full', { free: 100 * GB, device: 1 }, { free: GB, device: 2 }, ['MP211']],
      ['the cache’s is full', { free: 0, device: 1 }, { free: 100 * GB, device: 2 }, ['MP202']],
      ['both are full', { free: 0, device: 1 }, { free: 0, device: 2 }, ['MP211', 'MP202']],
      [
        'one for both, too small for both together',
        { free: 6 * GB, device: 1 },
        { free: 6 * GB, device: 1 },
        ['MP211'],
      ],
    ])('%s', async (_what, cache, data, expected) => {
      const missing = recipesOf({ edition: 'release', mesh: { kind: 'pinned' }, kubernetes: 'v1.34.11', lab: false });
      const { problems } = await examineMachine({
        engine: await daemon(),
        selection: { edition: 'release', mesh: { kind: 'pinned' }, kubernetes: 'v1.34.11', lab: false },
        states: missing.map((recipe) => ({ recipe, key: '', artifact: undefined })),
        nodeImageIsThere: false,
        cacheRoot: join(folder, 'cache'),
        clusters: 2,
        roomOf: (place) => Promise.resolve(place === folder ? data : cache),
      });
      expect(codes(problems).filter((code) => code === 'MP202' || code === 'MP211')).toEqual(expected);
      for (const { message } of problems) if (message.includes('data root')) expect(message).toContain(folder);
    });
  });

  test.each([
    ['32', '524288', ['MP212'], []],
    ['8192', '1000', ['MP212'], []],
    ['400', '524288', [], ['MP212']],
    ['1280', '655360', [], []],
  ])('inotify: %s instances, %s watches', async (instances, watches, problems, warnings) => {
    const inotifyFolder = join(folder, 'inotify');
    await mkdir(inotifyFolder);
    await writeFile(join(inotifyFolder, 'max_user_instances'), `${instances}\n`);
    await writeFile(join(inotifyFolder, 'max_user_watches'), `${watches}\n`);
    const report = await examineMachine({
      engine: { kind: 'lab', why: '' },
      selection: { edition: 'source', mesh: { kind: 'pinned' }, kubernetes: 'v1.34.4', lab: true },
      states: [],
      nodeImageIsThere: true,
      cacheRoot: folder,
      clusters: 2,
      inotifyFolder,
      memoryFile: join(folder, 'none'),
    });
    expect(codes(report.problems)).toEqual(problems);
    expect(codes(report.warnings)).toEqual(warnings);
  });

  test.each([
    [2, 4_000_000, []],
    [2, 2_000_000, ['MP213']],
    [8, 4_000_000, ['MP213']],
    [0, 100_000, []],
  ])('memory: %d clusters, %d KiB free', async (clusters, free, expected) => {
    const memoryFile = join(folder, 'meminfo');
    await writeFile(
      memoryFile,
      `MemTotal:       24000000 kB\nMemFree:          100000 kB\nMemAvailable:   ${free} kB\n`,
    );
    const { warnings, problems } = await examineMachine({
      engine: { kind: 'lab', why: '' },
      selection: { edition: 'source', mesh: { kind: 'pinned' }, kubernetes: 'v1.34.4', lab: true },
      states: [],
      nodeImageIsThere: true,
      cacheRoot: folder,
      clusters,
      inotifyFolder: join(folder, 'none'),
      memoryFile,
    });
    expect(codes([...problems, ...warnings]).filter((code) => code === 'MP213')).toEqual(expected);
  });
});

describe('the command line', () => {
  test('run ends before anything is made, with code 3, and leaves nothing in the cache', async () => {
    await docker();
    await writeFile(join(folder, 'meshproof.yaml'), await publish({ without: ['node'] }));
    const { exitCode, stderr } = await execa(process.execPath, [bin, 'run'], { cwd: folder, reject: false });
    expect(stderr).toMatch(/MP311[^\n]*kindest\/node/);
    expect(exitCode).toBe(3);
    expect(await readdir(join(folder, 'cache')).catch(() => [])).toEqual([]);
  }, 60_000);

  test('gate asks for both meshes before the first is run', async () => {
    await docker();
    await writeFile(join(folder, 'meshproof.yaml'), await publish());
    const meshes = ['--base', `istio@${pinnedRelease.istio}`, '--head', 'istio@1.99.0'];
    const { exitCode, stderr } = await execa(process.execPath, [bin, 'gate', ...meshes], {
      cwd: folder,
      reject: false,
    });
    expect(stderr).toContain('1.99.0');
    expect(stderr).toMatch(/MP31[01]/);
    expect(exitCode).toBe(3);
    expect(await readdir(folder)).not.toContain('reports');
  }, 60_000);
});
