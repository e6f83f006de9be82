/**
 * Maintainers' script: `npm ci && npm test` as somebody on a laptop has it that is no Debian, without Docker, Go and a
 * browser, and as a user who is not root. The laptop is a root filesystem of its own with another os-release and
 * without apt and dpkg; only Node, npm's settings and the way to its registry are this machine's. Needs root on Debian,
 * as every build from source packages does.
 *
 * `npx tsx scripts/test-elsewhere.ts [unit test files…]`
 */
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { $, argv, echo, which } from 'zx';
import { ArtifactCache } from '../harness/toolchain/cache.ts';
import { sourceRecipes } from '../harness/toolchain/manifest.ts';
import type { Recipe } from '../harness/toolchain/recipe.ts';
import { provide } from '../harness/toolchain/make-artifact.ts';

const source = fileURLToPath(new URL('..', import.meta.url));
const uid = 12_345;
const home = '/home/somebody';
const project = join(home, 'meshproof');
const osRelease =
  'PRETTY_NAME="Elsewhere 24.04"\nNAME=Elsewhere\nID=elsewhere\nVERSION_ID=24.04\nVERSION_CODENAME=else\n';

/** Enters the laptop ($1) as its user and carries a command ($2) out, with the variables $3… and no others. */
const enter = `
  laptop=$1 command=$2; shift 2
  mount -t proc proc "$laptop/proc"
  mount --rbind /dev "$laptop/dev"
  mount -t tmpfs -o mode=1777 tmpfs "$laptop/tmp"
  exec chroot "$laptop" setpriv --reuid ${uid} --regid ${uid} --clear-groups --bounding-set=-all --no-new-privs \\
    env -i "$@" sh -c "$command"`;

const laptop = await mkdtemp(join(tmpdir(), 'meshproof-elsewhere-'));
try {
  await layOutSystem();
  const variables = [...(await layOutNode()), `HOME=${home}`, 'PATH=/usr/local/bin:/usr/bin:/bin', 'LANG=C.UTF-8'];
  await layOutProject();
  const only = argv._.map((file) => `'${file}'`).join(' ');
  const command =
    `cd ${project} && npm ci --no-audit --no-fund && ` + (only === '' ? 'npm test' : `npm run unit -- ${only}`);
  const { exitCode } = await $({
    stdio: 'inherit',
    nothrow: true,
  })`unshare --mount --pid --ipc --fork --kill-child sh -euc ${enter} sh ${laptop} ${command} ${variables}`;
  const text = await readFile(join(laptop, project, 'reports/unit-tests.json'), 'utf8');
  const counts = z.object({ numPassedTests: z.int(), numFailedTests: z.int(), numPendingTests: z.int() });
  const { numPassedTests, numFailedTests, numPendingTests } = counts.parse(JSON.parse(text));
  echo(`elsewhere: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} not run`);
  process.exitCode = exitCode ?? 1;
} finally {
  await rm(laptop, { recursive: true, force: true });
}

/** A small Linux without a trace of where it comes from: no package manager, and the name of another system. */
async function layOutSystem(): Promise<void> {
  const recipeOf = (name: string): Recipe => {
    const found: Recipe | undefined = sourceRecipes.find(({ id }) => id === name);
    if (found === undefined) throw new Error(`the manifest has no recipe ${name}`);
    return found;
  };
  const signal = new AbortController().signal;
  const { folder } = await provide(recipeOf('base-rootfs'), ArtifactCache.default(), signal, [recipeOf('lab-tools')]);
  await $`tar -xf ${join(folder, 'rootfs.tar')} -C ${laptop} ${'--exclude=./dev/*'}`;
  await $`rm -rf ${['etc/apt', 'etc/debian_version', 'var/lib/dpkg', 'var/lib/apt'].map((name) => join(laptop, name))}`;
  for (const programs of ['usr/bin', 'usr/sbin'])
    for (const name of await readdir(join(laptop, programs)))
      if (/^(apt|dpkg)/.test(name)) await rm(join(laptop, programs, name));
  await writeFile(join(laptop, 'usr/lib/os-release'), osRelease);
  await appendFile(join(laptop, 'etc/passwd'), `somebody:x:${uid}:${uid}::${home}:/bin/bash\n`);
  await appendFile(join(laptop, 'etc/group'), `somebody:x:${uid}:\n`);
  for (const file of ['/etc/resolv.conf', '/etc/hosts']) await takeAlong(file, file);
}

/** Node and npm of this machine, with npm's settings. @returns the variables by which they reach the registry */
async function layOutNode(): Promise<string[]> {
  const programs = join(laptop, 'usr/local/bin');
  await cp(process.execPath, join(programs, 'node'));
  const npm = dirname(dirname(await realpath(await which('npm'))));
  await cp(npm, join(laptop, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx']) await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(programs, name));
  const [settings = '', authority = ''] = await Promise.all(
    ['globalconfig', 'cafile'].map(async (key) => (await $`npm config get ${key}`).stdout.trim()),
  );
  await takeAlong(settings, 'usr/local/etc/npmrc');
  if (authority !== 'null') await takeAlong(authority, authority);
  const authorities = process.env['NODE_EXTRA_CA_CERTS'];
  if (authorities !== undefined) await takeAlong(authorities, 'etc/extra-ca.pem');
  return [
    ...(authorities === undefined ? [] : ['NODE_EXTRA_CA_CERTS=/etc/extra-ca.pem']),
    ...Object.entries(process.env).flatMap(([name, value]) =>
      /^(https?_proxy|no_proxy)$/i.test(name) ? [`${name}=${value ?? ''}`] : [],
    ),
  ];
}

/** Copies a file of this machine, where there is one. */
async function takeAlong(file: string, place: string): Promise<void> {
  await mkdir(dirname(join(laptop, place)), { recursive: true });
  await cp(file, join(laptop, place), { dereference: true }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  });
}

/** What git would commit of this checkout, as it lies there. */
async function layOutProject(): Promise<void> {
  const place = join(laptop, project);
  await mkdir(place, { recursive: true });
  const listed = $`git -C ${source} ls-files -z --cached --others --exclude-standard --deduplicate`;
  await listed
    .pipe($`tar -C ${source} --null --files-from=- --ignore-failed-read -cf -`)
    .pipe($`tar -xf - -C ${place}`);
  await $`chown -R ${uid}:${uid} ${join(laptop, home)}`;
}
