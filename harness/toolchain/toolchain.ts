import { mkdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Progress, Task } from '../progress/progress.ts';
import { buildGo } from './build-go.ts';
import { recipeKey, type Artifact, type ArtifactCache } from './cache.ts';
import { buildRootFilesystem, unpackDebianPackages } from './debian.ts';
import { fetchRelease } from './fetch-release.ts';
import { releaseRecipes, sourceRecipes, versions, type ReleaseChoice } from './manifest.ts';
import { meshName, recipeFor, type MeshChoice } from './mesh-choice.ts';
import type { Mirror } from './mirror.ts';
import type { Recipe } from './recipe.ts';
import { unpackWheel } from './unpack-wheel.ts';
import type { Workshop } from './workshop.ts';

/** Where components come from: published releases and images, or source packages. */
export type Edition = 'release' | 'source';

/** What is to be resolved, as plain data. */
export interface Selection {
  readonly edition: Edition;
  readonly mesh: MeshChoice;
  /** Version of Kubernetes, e.g. `v1.34.11`. */
  readonly kubernetes: string;
  /** SHA-256 values of the user, see `ReleaseChoice`. */
  readonly pins?: ReleaseChoice['pins'];
  /** Whether meshproof runs the Docker daemon; its tools are left out where the user's Docker serves. */
  readonly lab: boolean;
}

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

/** The published versions that a selection means. */
export const releaseChoice = ({
  mesh,
  kubernetes,
  pins,
}: Pick<Selection, 'mesh' | 'kubernetes' | 'pins'>): ReleaseChoice => ({
  istio: mesh.kind === 'release' ? mesh.version : versions.istioRelease,
  kubernetes,
  pins,
});

/**
 * The recipes of a selection.
 *
 * @throws MeshproofError MP305 for what the edition cannot give: a Kubernetes other than the pinned one from source
 *   packages, a release of Istio from source packages, a commit from releases.
 */
export function recipesOf(selection: Selection): readonly Recipe[] {
  const { edition, mesh, kubernetes, lab } = selection;
  if (edition === 'release') {
    if (mesh.kind === 'module' || mesh.kind === 'path')
      throw new MeshproofError('MP305', {
        what: `${meshName(mesh)} is no release of Istio, so it has to be built`,
        remedy: 'Leave out `--toolchain release`.',
      });
    const recipes: readonly Recipe[] = [
      ...releaseRecipes(releaseChoice(selection)),
      ...sourceRecipes.filter((recipe) => recipe.from === 'debian'),
    ];
    return lab ? recipes : recipes.filter((recipe) => recipe.from !== 'debian');
  }
  if (kubernetes !== versions.kubernetesSource)
    throw new MeshproofError('MP305', {
      what: `Kubernetes ${kubernetes} cannot be built here`,
      expected: `${versions.kubernetesSource}, whose sources are locked`,
      seen: kubernetes,
      remedy:
        'Other versions come as kind’s published node images: use a machine with Docker that reaches them, and `--toolchain release`.',
    });
  if (mesh.kind === 'release')
    throw new MeshproofError('MP305', {
      what: `Istio ${mesh.version} is published as images, which this toolchain does not pull`,
      remedy:
        'Name the commit of the release by its pseudo-version, or use a machine with Docker that reaches the images, and `--toolchain release`.',
    });
  // mmdebstrap comes with the lab's tools and makes the root filesystems, so they are needed with the user's Docker,
  // too.
  return sourceRecipes.map((recipe): Recipe => (recipe.id === 'istio' ? recipeFor(mesh, recipe) : recipe));
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

  // Compilers fill the cores; downloads and unpacking wait on the network and the disk. Two lanes keep both busy. The
  // first has room for one build more than there are cores, since one that downloads or links leaves a core to the
  // others.
  const lanes = { compile: pLimit(availableParallelism() + 1), fetch: pLimit(edition === 'release' ? 4 : 1) };
  // The longest build first; what is fetched in the manifest's order, since the lab's tools hold mmdebstrap, which the
  // root filesystems need.
  const order = ({ recipe }: RecipeState): number => (recipe.from === 'go' ? -recipe.seconds : 0);
  const tasks = [...missing]
    .sort((left, right) => order(left) - order(right))
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

/**
 * One artifact by itself, from the cache or made now.
 *
 * @param needs recipes whose programs it is made with
 */
export async function provide(
  recipe: Recipe,
  cache: ArtifactCache,
  signal: AbortSignal,
  needs: readonly Recipe[] = [],
): Promise<Artifact> {
  const key = await recipeKey(recipe);
  const found = await cache.find(recipe, key);
  if (found !== undefined) return found;
  const made = new Map(needs.map((one) => [one.id, provide(one, cache, signal)] as const));
  return await makeArtifact(recipe, key, { cache, say: () => undefined, signal, recipes: [recipe, ...needs], made });
}

interface MakeOptions {
  readonly cache: ArtifactCache;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
  readonly recipes: readonly Recipe[];
  readonly made: ReadonlyMap<string, Promise<Artifact>>;
  readonly mirror?: Mirror | undefined;
}

async function makeArtifact(recipe: Recipe, key: string, options: MakeOptions): Promise<Artifact> {
  const { cache, say, signal } = options;
  const make = async (): Promise<Artifact> => {
    const already = await cache.find(recipe, key);
    if (already !== undefined) return already;
    const started = performance.now();
    const partial = cache.partialFolder(recipe, key);
    if (recipe.from !== 'go') await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    const workshop: Workshop = {
      partial,
      cache,
      log: cache.logOf(recipe),
      signal,
      mirror: options.mirror,
      say: (text) => {
        say(`${text}${timeLeft(recipe, started)}`);
      },
      locate: async (component) => {
        const owner = options.recipes.find((candidate) => component in candidate.provides);
        const artifact = await options.made.get(owner?.id ?? '');
        if (owner === undefined || artifact === undefined)
          throw new MeshproofError('MP999', { what: `no recipe provides ${component}` });
        return join(artifact.folder, owner.provides[component] ?? '');
      },
    };
    await build(recipe, workshop).catch(async (error: unknown) => {
      // Only a Go build goes on from what is there; of anything else nothing half done stays, also when a sibling's
      // failure stopped it.
      if (recipe.from !== 'go') await rm(partial, { recursive: true, force: true });
      throw error;
    });
    return await cache.seal(recipe, key, (performance.now() - started) / 1000);
  };
  return await cache.withLock(`${recipe.id}-${key}`, make, signal);
}

async function build(recipe: Recipe, workshop: Workshop): Promise<void> {
  switch (recipe.from) {
    case 'go':
      await buildGo(recipe, workshop);
      return;
    case 'wheel':
      await unpackWheel(recipe, workshop);
      return;
    case 'debian':
      await unpackDebianPackages(recipe, workshop);
      return;
    case 'rootfs':
      await buildRootFilesystem(recipe, workshop);
      return;
    case 'release':
      await fetchRelease(recipe, workshop);
      return;
  }
}

function timeLeft(recipe: Recipe, started: number): string {
  const left = recipe.seconds - (performance.now() - started) / 1000;
  if (left < 5) return '';
  return left > 90 ? `, about ${Math.ceil(left / 60)} min left` : `, about ${Math.ceil(left / 5) * 5} s left`;
}
