import { copyFile, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { runProgram, type ProgramCall } from '../process/run-program.ts';
import { sourceFolder } from './cache.ts';
import type { GoRecipe } from './recipe.ts';
import type { Workshop } from './workshop.ts';

/**
 * Compiles a Go recipe with its locked modules. Go's own build cache, kept beside the store, makes it resumable: after
 * a kill the next try compiles only what is missing.
 *
 * @throws MeshproofError MP301 with the compiler's words and the log; MP203 when Go is not installed.
 */
export async function buildGo(recipe: GoRecipe, { partial, cache, log, say, signal }: Workshop): Promise<void> {
  const module = join(partial, 'module');
  const environment = {
    GOCACHE: join(cache.root, 'go-build'),
    GOFLAGS: '-mod=readonly -buildvcs=false',
    GOWORK: 'off',
    GOOS: 'linux',
    CGO_ENABLED: '0',
    // The compiler's garbage collector would run more than it compiles; memory is there, time is not.
    GOGC: '400',
  };
  const call = {
    program: 'go',
    cwd: module,
    env: environment,
    purpose: `build ${recipe.id} ${recipe.version}`,
    code: 'MP301',
    log,
    signal,
  } as const;
  say('downloading modules');
  if (recipe.lockedByItself === true) await lockByItself(recipe, module, call);
  else await cp(join(sourceFolder, recipe.id), module, { recursive: true });
  const packages = Object.keys(recipe.programs);
  const tags = ['-tags', (recipe.tags ?? []).join(',')];
  const { stdout } = await runProgram({
    ...call,
    args: ['list', '-deps', '-f', '{{.ImportPath}}', ...tags, ...packages],
  });
  const total = stdout.split('\n').length;

  const stamps = Object.entries(recipe.stamp ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  let compiled = 0;
  await runProgram({
    ...call,
    // No debug information: nobody debugs these binaries, and it costs a sixth of the compile time and half of the
    // size. No -trimpath: it puts each module's required version into the compiled packages, and recipes that share
    // modules by replacement would no longer share them.
    args: [
      'build',
      '-v',
      '-gcflags=all=-dwarf=false',
      `-ldflags=${['-s', '-w', ...stamps].join(' ')}`,
      ...tags,
      '-o',
      `${partial}/`,
      ...packages,
    ],
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

/**
 * The go.mod of a module that does nothing but require another one, from a folder of sources perhaps, whatever that
 * folder is called.
 */
export function moduleFile(
  { id, module, sources }: Pick<GoRecipe, 'id' | 'module' | 'sources'>,
  version: string,
  goVersion: string,
): string {
  const lines = [
    `module meshproof/${id}`,
    '',
    goVersion,
    '',
    `require ${module} ${version}`,
    // Quoted: a path may hold spaces, parentheses and whatever else go.mod takes for its own.
    ...(sources === undefined ? [] : [`replace ${module} => ${JSON.stringify(sources)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Writes the lock files for a module that meshproof does not pin. What it requires is checked against its own go.sum,
 * the module itself by Go against the checksum database (or as GONOSUMDB and GOPRIVATE of the user say).
 */
async function lockByItself(recipe: GoRecipe, module: string, call: Omit<ProgramCall, 'args'>): Promise<void> {
  const { sources } = recipe;
  await mkdir(module, { recursive: true });
  const sourcesOf = async (): Promise<string> => {
    const { stdout } = await runProgram({
      ...call,
      args: ['mod', 'download', '-json', `${recipe.module}@${recipe.version}`],
      env: { ...call.env, GOFLAGS: '-mod=mod' },
    });
    const { Dir } = z.object({ Dir: z.string() }).parse(JSON.parse(stdout));
    return Dir;
  };
  await writeFile(join(module, 'go.mod'), `module meshproof/${recipe.id}\n`);
  const folder = sources ?? (await sourcesOf());
  const goVersion = /^go \S+$/m.exec(await readFile(join(folder, 'go.mod'), 'utf8'))?.[0] ?? 'go 1.25.0';
  const version = sources === undefined ? recipe.version : 'v0.0.0';
  await writeFile(join(module, 'go.mod'), moduleFile(recipe, version, goVersion));
  await copyFile(join(folder, 'go.sum'), join(module, 'go.sum'));
  await runProgram({
    ...call,
    args: ['list', '-deps', '-tags', (recipe.tags ?? []).join(','), ...Object.keys(recipe.programs)],
    env: { ...call.env, GOFLAGS: '-mod=mod -buildvcs=false' },
  });
}
