import { access, mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { runProgram } from '../process/run-program.ts';
import type { DebianPackagesRecipe, RootFilesystemRecipe } from './recipe.ts';
import type { Workshop } from './workshop.ts';

/**
 * Fetches Debian packages through the machine's own apt sources and unpacks them side by side. Nothing is installed: no
 * service starts, no file of the machine changes. apt checks the signatures.
 *
 * @throws MeshproofError MP301 with apt's words.
 */
export async function unpackDebianPackages(recipe: DebianPackagesRecipe, workshop: Workshop): Promise<void> {
  const { partial, log, say, signal, cache } = workshop;
  const archives = join(partial, 'archives');
  await mkdir(archives, { recursive: true });
  say('reading the package lists');
  const options = await aptLists(workshop);
  const packages =
    recipe.withDependencies === true ? await closureOf(recipe.packages, options, workshop) : recipe.packages;
  say(`downloading ${packages.length} packages`);
  const call = { purpose: `fetch the Debian packages of ${recipe.id}`, code: 'MP301', log, signal } as const;
  await runProgram({
    ...call,
    program: 'apt-get',
    args: [...options, '--quiet', 'download', ...packages],
    cwd: archives,
  });
  for (const name of await readdir(archives)) {
    say(`unpacking ${name}`);
    await runProgram({ ...call, program: 'dpkg-deb', args: ['-x', join(archives, name), partial], cwd: cache.root });
  }
  for (const [link, target] of Object.entries(recipe.links ?? {})) await symlink(target, join(partial, link));
  await rm(archives, { recursive: true });
}

/**
 * Makes a minimal Debian root filesystem as a tar, from the same sources as the machine.
 *
 * @throws MeshproofError MP301 with mmdebstrap's words.
 */
export async function buildRootFilesystem(recipe: RootFilesystemRecipe, workshop: Workshop): Promise<void> {
  const { partial, log, say, signal } = workshop;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const mmdebstrap = await workshop.locate('mmdebstrap');
  say('unpacking packages');
  await runProgram({
    program: 'perl',
    args: [
      mmdebstrap,
      '--mode=root',
      '--variant=minbase',
      `--include=${recipe.include.join(',')}`,
      // What a container never reads; it halves the time to import and to copy the image.
      '--dpkgopt=path-exclude=/usr/share/doc/*',
      '--dpkgopt=path-exclude=/usr/share/man/*',
      '--dpkgopt=path-exclude=/usr/share/locale/*',
      '--customize-hook=rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/*',
      ...(recipe.suite === undefined ? [] : ['--aptopt=Acquire::Check-Valid-Until "false"']),
      recipe.suite ?? (await debianRelease()),
      join(partial, 'rootfs.tar'),
      recipe.suite === undefined ? await debianSources() : await debianMirror(),
    ],
    purpose: `build the root filesystem ${recipe.id}`,
    code: 'MP301',
    log,
    signal,
    env: { TMPDIR: partial, PATH: `${dirname(mmdebstrap)}:${process.env['PATH'] ?? ''}` },
    onLine: (line) => {
      say(line);
    },
  });
}

/** The packages and all that they need and the machine lacks, as apt would install them. */
async function closureOf(
  packages: readonly string[],
  options: readonly string[],
  { log, signal }: Workshop,
): Promise<string[]> {
  const { stdout } = await runProgram({
    program: 'apt-get',
    args: [...options, '--simulate', '--no-install-recommends', 'install', ...packages],
    purpose: 'find what packages depend on',
    code: 'MP301',
    log,
    signal,
  });
  const missing = [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name);
  return [...new Set([...packages, ...missing])];
}

/** apt's lists in the cache rather than in /var/lib/apt, refreshed once a run at most by whoever needs them first. */
async function aptLists({ cache, log, signal }: Workshop): Promise<string[]> {
  const lists = join(cache.root, 'apt', 'lists');
  await mkdir(join(lists, 'partial'), { recursive: true });
  const options = ['-o', `Dir::State::Lists=${lists}`, '-o', 'APT::Sandbox::User=root'];
  await cache.withLock('apt-lists', () =>
    runProgram({
      program: 'apt-get',
      args: [...options, '--quiet', 'update'],
      purpose: 'read the Debian package lists',
      code: 'MP301',
      log,
      signal,
    }),
  );
  return options;
}

/**
 * The mirror of the machine's own apt sources, for suites that these do not name. A mirror keeps such a suite as it was
 * on some day, so its Release file may be past its date; signatures are checked all the same.
 */
async function debianMirror(): Promise<string> {
  const file = await debianSources();
  const text = await readFile(file, 'utf8');
  const mirror = /^(?:URIs:|deb(?: \[[^\]]*\])?) *(https?:\/\/\S+)/m.exec(text)?.[1];
  if (mirror === undefined)
    throw new MeshproofError('MP203', { what: 'the apt sources name no mirror', where: file, expected: 'an http URL' });
  return mirror;
}

/** The code name of the Debian release this machine runs; the root filesystems are of the same. */
export async function debianRelease(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const name = /^VERSION_CODENAME=(\w+)/m.exec(text)?.[1];
  if (!/^ID=debian$/m.test(text) || name === undefined) {
    throw new MeshproofError('MP203', {
      what: 'building from source packages needs a Debian machine',
      seen: /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? 'no /etc/os-release',
      remedy: 'Use a machine with Docker and a network (`--toolchain release`), or Debian 12.',
    });
  }
  return name;
}

/** The apt source file of the machine, handed to mmdebstrap as it is: mirror, suites and keyring stay the user's. */
async function debianSources(): Promise<string> {
  const folder = '/etc/apt/sources.list.d';
  const candidates = [
    ...(await readdir(folder)).filter((name) => name.startsWith('debian.')).map((name) => join(folder, name)),
    '/etc/apt/sources.list',
  ];
  for (const file of candidates) {
    const usable = await access(file).then(
      () => true,
      () => false,
    );
    if (usable) return file;
  }
  throw new MeshproofError('MP203', { what: 'no apt sources found', expected: `one of ${candidates.join(', ')}` });
}
