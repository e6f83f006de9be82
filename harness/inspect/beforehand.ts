import { asMeshproofError } from '../errors/meshproof-error.ts';
import { ArtifactCache } from '../toolchain/cache.ts';
import { chooseEdition } from '../toolchain/edition.ts';
import { defaultKubernetes } from '../toolchain/manifest.ts';
import { parseMesh } from '../toolchain/mesh-choice.ts';
import { pinnedByUser } from '../toolchain/published.ts';
import { recipesOf, releaseChoice, type Selection } from '../toolchain/selection.ts';
import { surveyCache, type RecipeState } from '../toolchain/toolchain.ts';
import type { Config } from '../config/config.ts';
import { chooseEngine, type Engine } from '../environment/engine.ts';
import { examineMachine, type MachineReport } from './machine.ts';
import { findNodeImage } from './node-image.ts';
import { problemOf, throwFirst, type Problem } from './problem.ts';
import { examinePublishers, type PublishersReport } from './publishers.ts';
import { readEnvironment } from '../environment/state.ts';

/** Everything that is known before anything is made. */
export interface Beforehand {
  /** Undefined where there is no usable engine: a problem says why. */
  readonly engine: Engine | undefined;
  readonly selection: Selection;
  /** Why this edition of the toolchain. */
  readonly why: string;
  readonly states: readonly RecipeState[];
  readonly nodeImage: string;
  readonly nodeImageIsThere: boolean;
  /** Files and images that are checked against hashes of the configuration, not of the list of what is published. */
  readonly pinnedByUser: readonly string[];
  readonly machine: MachineReport;
  readonly publishers: PublishersReport;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/**
 * Looks at the machine and asks the publishers. Nothing is started, made or fetched.
 *
 * @param within milliseconds for the publishers
 * @throws MeshproofError MP103, MP305 for a mesh that there is not
 */
export async function lookBeforehand(config: Config, within: number, signal?: AbortSignal): Promise<Beforehand> {
  const problems: Problem[] = [];
  const cache = ArtifactCache.default();
  const engine = await chooseEngine(config.engine).catch((error: unknown) => {
    const known = asMeshproofError(error);
    if (known.code === 'MP999') throw error;
    problems.push(problemOf(known));
    return undefined;
  });
  const { selection, why } = await select(config, engine?.kind ?? 'lab');
  const states = await surveyCache(recipesOf(selection), cache);
  const node = await findNodeImage(states, selection, engine);
  const kept = await readEnvironment(config.name).catch(() => undefined);
  const known = { engine, selection, states, ...node };
  const [machine, publishers] = await Promise.all([
    examineMachine({ ...known, cacheRoot: cache.root, clusters: kept === undefined ? config.clusters.length : 0 }),
    examinePublishers({ ...known, config, within, signal }),
  ]);
  return {
    ...known,
    why,
    pinnedByUser: selection.edition === 'release' ? pinnedByUser(releaseChoice(selection)) : [],
    machine,
    publishers,
    problems: [...problems, ...machine.problems, ...publishers.problems],
    warnings: [...machine.warnings, ...publishers.warnings],
  };
}

/** Milliseconds that a run gives the publishers before it begins. */
const publishersWithin = 8_000;

/**
 * The same for a run, which does not begin when there is a problem.
 *
 * @throws MeshproofError of the first problem: MP201 to MP212 for the machine, MP310 to MP317 for a publisher.
 */
export async function checkBeforehand(
  config: Config,
  signal?: AbortSignal,
): Promise<Beforehand & { readonly engine: Engine }> {
  const found = await lookBeforehand(config, publishersWithin, signal);
  throwFirst(found.problems);
  const { engine } = found;
  if (engine === undefined) throw new Error('there is neither an engine nor a problem');
  return { ...found, engine };
}

/**
 * What a config means on this machine.
 *
 * @throws MeshproofError MP103, MP305 for a mesh that there is not.
 */
async function select(config: Config, engine: 'user' | 'lab'): Promise<{ selection: Selection; why: string }> {
  const mesh = await parseMesh(config.mesh);
  const { edition, why } = chooseEdition({ wanted: config.toolchain, engine, mesh });
  const kubernetes = config.kubernetes ?? defaultKubernetes(edition);
  return { selection: { edition, mesh, kubernetes, lab: engine === 'lab', pins: config.mirror?.pins }, why };
}
