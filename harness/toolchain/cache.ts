import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../assets/package-files.ts';
import { holdLock } from '../process/process-lock.ts';
import type { Recipe } from './recipe.ts';

/** Longest that anybody waits for somebody else's build, in milliseconds. */
const slowestBuild = 7_200_000;

/** Lock files and small sources of the Go recipes. */
export const sourceFolder = join(packageRoot, 'harness/toolchain/source/');

const artifactSchema = z.object({
  recipe: z.string(),
  version: z.string(),
  key: z.string(),
  seconds: z.number(),
  builtAt: z.string(),
  files: z.record(z.string(), z.number()),
});

export type ArtifactRecord = z.infer<typeof artifactSchema>;

/** A finished artifact: a folder that is never changed after it appeared. */
export interface Artifact {
  readonly record: ArtifactRecord;
  readonly folder: string;
}

/**
 * The content-addressed store of everything the toolchain made. An artifact appears under its key by one rename, so a
 * kill at any moment leaves either nothing or all of it; unfinished work waits under `partial/` and is taken up again.
 */
export class ArtifactCache {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** MESHPROOF_CACHE, else the user's cache folder. */
  static default(): ArtifactCache {
    const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
    return new ArtifactCache(process.env['MESHPROOF_CACHE'] ?? join(base, 'meshproof'));
  }

  folderOf(recipe: Recipe, key: string): string {
    return join(this.root, 'store', recipe.id, key);
  }

  partialFolder(recipe: Recipe, key: string): string {
    return join(this.root, 'partial', `${recipe.id}-${key}`);
  }

  logOf(recipe: Recipe): string {
    return join(this.root, 'logs', `${recipe.id}.log`);
  }

  /**
   * The artifact of a recipe when it is whole: its record is there and each file has the recorded size. Anything else
   * counts as absent.
   */
  async find(recipe: Recipe, key: string): Promise<Artifact | undefined> {
    const folder = this.folderOf(recipe, key);
    const text = await readFile(join(folder, 'artifact.json'), 'utf8').catch(absent);
    if (text === undefined) return undefined;
    const record = artifactSchema.safeParse(JSON.parse(text));
    if (!record.success) return undefined;
    for (const [name, size] of Object.entries(record.data.files)) {
      const found = await stat(join(folder, name)).catch(absent);
      if (found?.size !== size) return undefined;
    }
    return { record: record.data, folder };
  }

  /** Seals a partial folder: writes its record and moves it to its address. */
  async seal(recipe: Recipe, key: string, seconds: number): Promise<Artifact> {
    const partial = this.partialFolder(recipe, key);
    const files: Record<string, number> = {};
    for (const name of Object.values(recipe.provides)) files[name] = (await stat(join(partial, name))).size;
    const record: ArtifactRecord = {
      recipe: recipe.id,
      version: recipe.version,
      key,
      seconds: Math.round(seconds * 10) / 10,
      builtAt: new Date().toISOString(),
      files,
    };
    await writeFile(join(partial, 'artifact.json'), `${JSON.stringify(record, undefined, 2)}\n`);
    const folder = this.folderOf(recipe, key);
    await mkdir(dirname(folder), { recursive: true });
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
    return { record, folder };
  }

  /**
   * Holds a recipe's lock while `work` runs, so that two meshproofs on one machine build each artifact once. A builder
   * that lives keeps it however slow it is, and one that was killed has lost it at once.
   *
   * @throws MeshproofError MP204 when another live process holds it for longer than two hours.
   */
  async withLock<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const release = await holdLock(join(this.root, 'locks', `${name}.lock`), {
      what: `the cache entry ${name}`,
      within: slowestBuild,
      signal,
    });
    try {
      return await work();
    } finally {
      await release();
    }
  }
}

/** The address of a recipe's artifact: a hash over the recipe and its lock files. */
export async function recipeKey(recipe: Recipe): Promise<string> {
  const hash = createHash('sha256');
  const { seconds: _seconds, bytes: _bytes, ...identity } = recipe;
  // Where sources lie is no part of what they are; their hash is the version.
  hash.update(JSON.stringify({ ...identity, sources: undefined }));
  if (recipe.from === 'go' && recipe.lockedByItself !== true) {
    const folder = join(sourceFolder, recipe.id);
    const names = (await readdir(folder, { recursive: true })).filter((name) => /\.(go|mod|sum)$/.test(name)).sort();
    for (const name of names) hash.update(`\0${name}\0`).update(await readFile(join(folder, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** A missing file is an answer here, any other failure is not. */
function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
    return undefined;
  throw error;
}
