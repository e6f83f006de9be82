import { copyFile, cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../process/run-program.ts';
import { sourceFolder } from './cache.ts';
import type { GoRecipe } from './recipe.ts';
import type { Workshop } from './workshop.ts';

/**
 * Compiles a Go recipe with its locked modules. Go's own build cache, kept beside the store, makes it resumable: after a kill the
 * next try compiles only what is missing.
 *
 * @throws MeshproofError MP301 with the compiler's words and the log; MP203 when Go is not installed.
 */
export async function buildGo(recipe: GoRecipe, { partial, cache, log, say, signal }: Workshop): Promise<void> {
  const module = join(partial, 'module');
  await cp(join(sourceFolder, recipe.id), module, { recursive: true });
  const environment = {
    GOCACHE: join(cache.root, 'go-build'),
    GOFLAGS: '-mod=readonly -buildvcs=false',
    GOWORK: 'off',
    GOOS: 'linux',
    CGO_ENABLED: '0',
    // The compiler's garbage collector would run more than it compiles; memory is there, time is not.
    GOGC: '400',
  };
  const call = { program: 'go', cwd: module, env: environment, purpose: `build ${recipe.id} ${recipe.version}`, code: 'MP301', log, signal } as const;
  say('downloading modules');
  const packages = Object.keys(recipe.programs);
  const tags = ['-tags', (recipe.tags ?? []).join(',')];
  const { stdout } = await runProgram({ ...call, args: ['list', '-deps', '-f', '{{.ImportPath}}', ...tags, ...packages] });
  const total = stdout.split('\n').length;

  const stamps = Object.entries(recipe.stamp ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  let compiled = 0;
  await runProgram({
    ...call,
    // No debug information: nobody debugs these binaries, and it costs a sixth of the compile time and half of the size. No -trimpath: it puts
    // each module's required version into the compiled packages, and recipes that share modules by replacement would no longer share them.
    args: ['build', '-v', '-gcflags=all=-dwarf=false', `-ldflags=${['-s', '-w', ...stamps].join(' ')}`, ...tags, '-o', `${partial}/`, ...packages],
    onLine: (line) => {
      compiled += 1;
      say(`compiled ${compiled} of at most ${total} packages (${line})`);
    },
  });
  for (const [path, program] of Object.entries(recipe.programs)) {
    const built = path === '.' ? recipe.id : (path.split('/').at(-1) ?? path);
    const named = /^v\d+$/.test(built) ? (path.split('/').at(-2) ?? built) : built;
    if (named !== program) await rename(join(partial, named), join(partial, program));
  }
  if (recipe.files !== undefined) {
    const { stdout: folder } = await runProgram({ ...call, args: ['list', '-m', '-f', '{{.Dir}}', recipe.module] });
    await mkdir(partial, { recursive: true });
    for (const [from, to] of Object.entries(recipe.files)) await copyFile(join(folder.trim(), from), join(partial, to));
  }
  await rm(module, { recursive: true });
}
