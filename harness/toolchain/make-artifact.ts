import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { buildGo } from './build-go.ts';
import { recipeKey, type Artifact, type ArtifactCache } from './cache.ts';
import { buildRootFilesystem, unpackDebianPackages } from './debian.ts';
import { fetchRelease } from './fetch-release.ts';
import { keepMeasured } from './measured-times.ts';
import type { Mirror } from './mirror.ts';
import type { Recipe } from './recipe.ts';
import { unpackWheel } from './unpack-wheel.ts';
import type { Workshop } from './workshop.ts';

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

/**
 * Makes one artifact, unless another process did meanwhile.
 *
 * @throws MeshproofError MP301, MP302, MP303 as its recipe does.
 */
export async function makeArtifact(recipe: Recipe, key: string, options: MakeOptions): Promise<Artifact> {
  const { cache, say, signal } = options;
  const make = async (): Promise<Artifact> => {
    const already = await cache.find(recipe, key);
    if (already !== undefined) return already;
    const started = performance.now();
    const partial = cache.partialFolder(recipe, key);
    if (recipe.from !== 'go') await rm(partial, { recursive: true, force: true });
    // A build that goes on where another one stopped takes less than a whole one.
    const whole = !existsSync(partial);
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
    const seconds = (performance.now() - started) / 1000;
    const artifact = await cache.seal(recipe, key, seconds);
    // A forecast is not worth a build: what cannot be kept is not known the next time.
    if (whole)
      await keepMeasured(cache.root, recipe, { seconds, cores: availableParallelism() }).catch(() => undefined);
    return artifact;
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
