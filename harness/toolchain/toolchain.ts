import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Progress, Task } from '../progress/progress.ts';
import { recipeKey, type Artifact, type ArtifactCache } from './cache.ts';
import { beginOrder, laneWidths } from './forecast.ts';
import { makeArtifact } from './make-artifact.ts';
import { versions } from './manifest.ts';
import { meshName } from './mesh-choice.ts';
import type { Mirror } from './mirror.ts';
import type { Recipe } from './recipe.ts';
import { recipesOf, releaseChoice, type Edition, type Selection } from './selection.ts';

/** A resolved toolchain as plain data: component name → absolute path, with the versions behind it. */
export interface Toolchain {
  readonly edition: Edition;
  readonly paths: Readonly<Record<string, string>>;
  /** Artifact id → key; what an image is made of is named by these. */
  readonly keys: Readonly<Record<string, string>>;
  readonly istioVersion: string;
  /** The release line that the mesh belongs to, e.g. `1.31`: proxies tell it to istiod. */
  readonly istioSeries: string;
  readonly kubernetesVersion: string;
}

/** The path of a component. */
export function locate(toolchain: Toolchain, component: string): string {
  const path = toolchain.paths[component];
  if (path === undefined) throw new MeshproofError('MP999', { what: `the toolchain has no component ${component}` });
  return path;
}

/** False for a release that is checked against its publisher's checksum file only, since no hash of it is known. */
export const isPinned = (recipe: Recipe): boolean => recipe.from !== 'release' || recipe.sha256 !== undefined;

/** How far the cache is for one recipe. */
export interface RecipeState {
  readonly recipe: Recipe;
  readonly key: string;
  readonly artifact: Artifact | undefined;
}

/** Looks which artifacts are there. Reads sizes only, so it takes milliseconds. */
export async function surveyCache(recipes: readonly Recipe[], cache: ArtifactCache): Promise<RecipeState[]> {
  return await Promise.all(
    recipes.map(async (recipe) => {
      const key = await recipeKey(recipe);
      return { recipe, key, artifact: await cache.find(recipe, key) };
    }),
  );
}

export interface ResolveOptions {
  readonly selection: Selection;
  readonly mirror?: Mirror | undefined;
  readonly cache: ArtifactCache;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/**
 * Resolves every component: what the cache has is used, the rest is fetched or built.
 *
 * @throws MeshproofError MP301, MP302, MP303 of the first recipe that failed; the others are stopped, and resume at the
 *   next try.
 */
export async function resolveToolchain(options: ResolveOptions): Promise<Toolchain> {
  const { cache, selection, mirror, progress, signal } = options;
  const { edition, mesh, kubernetes } = selection;
  const recipes = recipesOf(selection);
  const states = await surveyCache(recipes, cache);
  const missing = states.filter((state) => state.artifact === undefined);
  const made = new Map<string, Promise<Artifact>>();
  for (const { recipe, artifact } of states) if (artifact !== undefined) made.set(recipe.id, Promise.resolve(artifact));

  // Two lanes keep cores and network busy. What is fetched keeps the manifest's order, since the lab's tools hold
  // mmdebstrap, which the root filesystems need.
  const widths = laneWidths(edition, availableParallelism());
  const lanes = { compile: pLimit(widths.compile), fetch: pLimit(widths.fetch) };
  const tasks = [...missing]
    .sort((left, right) => beginOrder(left.recipe) - beginOrder(right.recipe))
    .map(({ recipe, key }): Task => {
      let finish: (artifact: Artifact) => void = () => undefined;
      made.set(recipe.id, new Promise((resolve) => (finish = resolve)));
      return {
        title: `${recipe.id} ${recipe.version}${isPinned(recipe) ? '' : ' (not pinned)'}`,
        run: async (say, taskSignal) => {
          say('waiting for its turn');
          if (recipe.from === 'go' && recipe.shares !== undefined)
            await untilAborted(made.get(recipe.shares), taskSignal);
          await lanes[recipe.from === 'go' ? 'compile' : 'fetch'](async () => {
            taskSignal.throwIfAborted();
            finish(await makeArtifact(recipe, key, { cache, say, signal: taskSignal, recipes, made, mirror }));
          });
        },
      };
    });
  await progress.group('toolchain', tasks, { signal });

  const paths: Record<string, string> = {};
  const keys: Record<string, string> = {};
  for (const recipe of recipes) {
    const artifact = await made.get(recipe.id);
    if (artifact === undefined) continue;
    keys[recipe.id] = artifact.record.key;
    for (const [component, file] of Object.entries(recipe.provides)) paths[component] = join(artifact.folder, file);
  }
  const istioVersion = edition === 'release' ? releaseChoice(selection).istio : meshName(mesh);
  const seriesFile = paths['istio-series'];
  const istioSeries =
    edition === 'release'
      ? istioVersion
      : seriesFile === undefined
        ? versions.istioSeries
        : (await readFile(seriesFile, 'utf8')).trim();
  return { edition, paths, keys, istioVersion, istioSeries, kubernetesVersion: kubernetes };
}

/** Waits for a sibling's artifact, or for the end of the whole group when that one fails. */
async function untilAborted(artifact: Promise<Artifact> | undefined, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
  await Promise.race([artifact, aborted]);
}
