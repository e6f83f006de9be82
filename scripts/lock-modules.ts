/**
 * Maintainers' script: writes the go.mod and go.sum of each Go recipe after a version changed in the manifest.
 * `npm run lock` does all, `npm run lock -- istio` one.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $, argv, echo } from 'zx';
import { sourceFolder } from '../harness/toolchain/cache.ts';
import { sourceRecipes } from '../harness/toolchain/manifest.ts';
import type { GoRecipe } from '../harness/toolchain/recipe.ts';

const recipes: readonly GoRecipe[] = sourceRecipes.filter((recipe) => recipe.from === 'go');
for (const recipe of recipes) {
  if (argv._.length > 0 && !argv._.includes(recipe.id)) continue;
  if (recipe.module.startsWith('meshproof/')) continue;
  echo(`${recipe.id} ${recipe.version}`);
  const folder = join(sourceFolder, recipe.id);
  await mkdir(folder, { recursive: true });
  const lines = [
    `module meshproof/${recipe.id}`,
    '',
    'go 1.25.0',
    '',
    `require ${recipe.module} ${recipe.version}`,
    ...(await replacements(recipe)),
  ];
  if (recipe.shares !== undefined) lines.push(...(await sharedVersions(recipe.shares)));
  await writeFile(join(folder, 'go.mod'), `${lines.join('\n')}\n`);
  if (existsSync(join(folder, 'go.sum'))) await writeFile(join(folder, 'go.sum'), '');
  const go = $({
    cwd: folder,
    env: { ...process.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0', GOOS: 'linux' },
    quiet: true,
  });
  await go`go list -deps -tags ${(recipe.tags ?? []).join(',')} ${Object.keys(recipe.programs)}`;
}

/** The modules behind Kubernetes' client libraries in the versions that another recipe locks, as replacements. */
async function sharedVersions(id: string): Promise<string[]> {
  const clients = ['kubernetes', 'informers', 'tools/cache', 'tools/clientcmd'].map(
    (name) => `k8s.io/client-go/${name}`,
  );
  const version = '{{with .Module}}{{.Path}} {{with .Replace}}{{.Version}}{{else}}{{.Version}}{{end}}{{end}}';
  const scratch = await mkdtemp(join(tmpdir(), 'meshproof-lock-'));
  await cp(join(sourceFolder, id), scratch, { recursive: true });
  const listed = await $({
    cwd: scratch,
    env: { ...process.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0', GOOS: 'linux' },
    quiet: true,
  })`go list -deps -f ${version} ${clients} k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1`;
  await rm(scratch, { recursive: true });
  const modules = new Set(listed.stdout.split('\n').filter((line) => line.includes(' ')));
  return [...modules].sort().map((line) => {
    const [name = '', pinned = ''] = line.split(' ');
    return `replace ${name} => ${name} ${pinned}`;
  });
}

/**
 * Kubernetes' own go.mod replaces its staging modules by folders that no registry serves; the published twins have the
 * same minor version.
 */
async function replacements(recipe: GoRecipe): Promise<string[]> {
  const downloaded = await $({ quiet: true })`go mod download -json ${recipe.module}@${recipe.version}`;
  const { GoMod } = JSON.parse(downloaded.stdout) as { GoMod: string };
  const text = await readFile(GoMod, 'utf8');
  const staged = [...text.matchAll(/^\s*(?:replace )?(\S+) => \.\/staging\//gm)].map((match) => match[1] ?? '');
  return staged.map((name) => `replace ${name} => ${name} ${recipe.version.replace(/^v1\./, 'v0.')}`);
}
