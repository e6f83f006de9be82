import { access, constants, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ErrorCode } from '../errors/catalogue.ts';
import { asMeshproofError, type MeshproofError } from '../errors/meshproof-error.ts';
import { runProgram } from '../process/run-program.ts';
import { ArtifactCache } from '../toolchain/cache.ts';
import { chooseEdition } from '../toolchain/edition.ts';
import type { Recipe } from '../toolchain/recipe.ts';
import { recipesOf, surveyCache, type Edition, type RecipeState } from '../toolchain/toolchain.ts';
import type { Config } from './config.ts';
import { chooseEngine } from './engine.ts';
import { diskNeed, freeBytes } from './prepare.ts';

export interface ComponentReport {
  readonly name: string;
  readonly version: string;
  readonly state: 'cached' | 'fetch' | 'build' | 'missing';
  /** What making it takes, or took, in seconds; a recipe's time is shared among what it provides. */
  readonly seconds: number;
  readonly bytes: number;
}

export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
}

export interface DoctorReport {
  readonly ready: boolean;
  readonly engine: 'user' | 'lab' | 'none';
  readonly edition: Edition;
  readonly components: readonly ComponentReport[];
  readonly disk: { readonly free: number; readonly needed: number };
  readonly problems: readonly Problem[];
}

/** A program the harness calls on the machine, and the Debian package that has it. */
interface HostTool {
  readonly program: string;
  readonly package: string;
}

const labTools: readonly HostTool[] = [
  { program: 'ip', package: 'iproute2' },
  { program: 'nsenter', package: 'util-linux' },
  { program: 'ps', package: 'procps' },
  { program: 'sysctl', package: 'procps' },
  { program: 'umount', package: 'mount' },
];
const buildTools: Readonly<Record<Recipe['from'], readonly HostTool[]>> = {
  go: [{ program: 'go', package: 'golang (1.25 or newer)' }],
  wheel: [{ program: 'python3', package: 'python3-pip' }],
  debian: [
    { program: 'apt-get', package: 'apt' },
    { program: 'dpkg-deb', package: 'dpkg' },
  ],
  rootfs: [
    { program: 'perl', package: 'perl' },
    { program: 'apt-get', package: 'apt' },
  ],
  release: [{ program: 'tar', package: 'tar' }],
};

/** Says beforehand what a run will find: nothing is started, made or fetched. */
export async function examine(config: Config): Promise<DoctorReport> {
  const problems: Problem[] = [];
  const cache = ArtifactCache.default();
  const engine = await chooseEngine().then(
    ({ kind }) => kind,
    (error: unknown) => {
      problems.push(problemOf(asMeshproofError(error)));
      return 'none' as const;
    },
  );
  const lab = engine !== 'user';
  const edition = await chooseEdition(config.toolchain, lab ? 'lab' : 'user');
  const states = await surveyCache(recipesOf(edition, { lab }), cache);
  const absent = await absentTools(states, lab);
  for (const { program, package: name } of absent) {
    problems.push({ code: 'MP203', message: `${program} is not on this machine`, remedy: `Install it: apt-get install ${name}` });
  }
  const needsPip = states.some(({ recipe, artifact }) => recipe.from === 'wheel' && artifact === undefined);
  if (needsPip && !absent.some(({ program }) => program === 'python3')) {
    const pip = await runProgram({ program: 'python3', args: ['-m', 'pip', '--version'], purpose: 'look for pip', code: 'MP203' }).then(
      () => true,
      () => false,
    );
    if (!pip) problems.push({ code: 'MP203', message: 'python3 has no pip', remedy: 'Install it: apt-get install python3-pip' });
  }
  if (lab && !/\boverlay\b/.test(await readFile('/proc/filesystems', 'utf8').catch(() => ''))) {
    problems.push({ code: 'MP401', message: 'the kernel offers no overlay file system', remedy: 'Load the module: modprobe overlay' });
  }
  const disk = { free: await freeBytes(cache.root), needed: diskNeed(states) };
  if (disk.free < disk.needed) problems.push({ code: 'MP202', message: `${(disk.free / 1e9).toFixed(1)} GB are free under ${cache.root}, ${(disk.needed / 1e9).toFixed(1)} GB are needed`, remedy: 'Free space, or set MESHPROOF_CACHE.' });

  const without = new Set(absent.map(({ program }) => program));
  const components = states.flatMap((state) => reportsOf(state, without));
  return { ready: problems.length === 0, engine, edition, components, disk, problems };
}

function reportsOf({ recipe, artifact }: RecipeState, absent: ReadonlySet<string>): ComponentReport[] {
  const provided = Object.entries(recipe.provides);
  const blocked = buildTools[recipe.from].some(({ program }) => absent.has(program));
  const making = recipe.from === 'go' || recipe.from === 'rootfs' ? 'build' : 'fetch';
  const state = artifact === undefined ? (blocked ? 'missing' : making) : 'cached';
  const share = (whole: number): number => Math.round((whole / provided.length) * 10) / 10;
  return provided.map(([name, file]) => ({
    name,
    version: recipe.version,
    state,
    seconds: share(artifact?.record.seconds ?? recipe.seconds),
    bytes: artifact?.record.files[file] ?? Math.round(recipe.bytes / provided.length),
  }));
}

async function absentTools(states: readonly RecipeState[], lab: boolean): Promise<HostTool[]> {
  const wanted = new Map<string, HostTool>();
  for (const { recipe, artifact } of states) if (artifact === undefined) for (const tool of buildTools[recipe.from]) wanted.set(tool.program, tool);
  if (lab) for (const tool of labTools) wanted.set(tool.program, tool);
  const found = await Promise.all([...wanted.values()].map(async (tool) => ((await onPath(tool.program)) ? [] : [tool])));
  return found.flat();
}

async function onPath(program: string): Promise<boolean> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

const problemOf = (error: MeshproofError): Problem => ({ code: error.code, message: error.message, remedy: error.remedy });
