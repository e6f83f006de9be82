import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../assets/package-files.ts';

// The package as npm would publish it, installed into an empty folder: what somebody else gets.
let folder: string;
let packed: { readonly path: string }[];

const inside = async (program: string, ...args: readonly string[]): Promise<{ stdout: string; exitCode?: number }> =>
  await execa(program, args, { cwd: folder, preferLocal: true, localDir: folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-own-'));
  await execa('npm', ['run', '--silent', 'build'], { cwd: packageRoot });
  const { stdout } = await execa('npm', ['pack', '--json', '--pack-destination', folder], { cwd: packageRoot });
  const [made] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  packed = made?.files ?? [];
  await writeFile(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  await execa('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', join(folder, made?.filename ?? '')], {
    cwd: folder,
  });
  await inside('meshproof', 'init');
}, 600_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('the package holds what runs, and nothing that only we need', () => {
  const folders = /^(lib|harness\/assets|harness\/toolchain\/source|examples\/(own-scenarios|kubernetes-job))\//;
  const files = /^(harness\/cli\/bin\.js|package\.json|README\.md|LICENSE|NOTICE|CHANGELOG\.md)$/;
  const paths = packed.map(({ path }) => path);
  expect(paths.filter((path) => !folders.test(path) && !files.test(path))).toEqual([]);
  expect(paths.filter((path) => /\.(test|slow)\.|stand-in|fixtures|(?<!\.d|scenario|config)\.ts$/.test(path))).toEqual(
    [],
  );
  for (const path of [
    'lib/harness/index.js',
    'lib/types/harness/index.d.ts',
    'lib/harness/cli/main.js',
    'LICENSE',
    'NOTICE',
  ])
    expect(paths).toContain(path);
});

test('`meshproof init` makes a repository of one’s own, and overwrites nothing', async () => {
  expect(await readdir(folder)).toEqual(
    expect.arrayContaining(['.github', '.gitignore', 'mesh-tests', 'meshproof.config.ts', 'tsconfig.json']),
  );
  expect(await readFile(join(folder, 'package.json'), 'utf8')).not.toContain('my-mesh-tests');
  const again = await inside('meshproof', 'init', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ wrote: [] });
});

test('its scenario is listed, from a config in TypeScript, and one that does not exist is not', async () => {
  const { stdout } = await inside('meshproof', 'list', '--json');
  expect(JSON.parse(stdout)).toMatchObject([
    { id: 'first', claims: { answers: 'a service of the other cluster answers' } },
  ]);
  await expect(inside('meshproof', 'run', '--only', 'direct-sidecar')).rejects.toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('MP101'),
  });
});

test('it needs nothing but what the package exports, and its types hold', async () => {
  const own = await readFile(join(folder, 'mesh-tests/first.scenario.ts'), 'utf8');
  expect(own.match(/from '[^']+'/g)).toEqual(["from 'meshproof'"]);
  expect(own.trim().split('\n').length).toBeLessThanOrEqual(15);
  await execa(process.execPath, [join(packageRoot, 'node_modules/typescript/bin/tsc'), '--project', folder], {
    cwd: folder,
  });
});

test('there is one vitest, and one runner of it', async () => {
  const { stdout } = await inside('npm', 'ls', '@vitest/runner', '--all', '--parseable');
  expect(
    new Set(
      stdout
        .trim()
        .split('\n')
        .filter((line) => line.includes('@vitest')),
    ).size,
  ).toBe(1);
});
