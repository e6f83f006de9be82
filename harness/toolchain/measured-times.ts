import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Recipe } from './recipe.ts';

/** How long this machine took to make something. */
const measuredSchema = z.array(z.object({ version: z.string(), seconds: z.number(), cores: z.number() }));
export type Measured = z.infer<typeof measuredSchema>;

/** Older times are of an older machine, or of a build that somebody disturbed. */
const kept = 5;

const fileOf = (cacheRoot: string, recipe: Pick<Recipe, 'id'>): string =>
  join(cacheRoot, 'measured', `${recipe.id}.json`);

/** What is known of a recipe, the newest last; nothing where the file is not there, or is not as it was written. */
export async function readMeasured(cacheRoot: string, recipe: Pick<Recipe, 'id'>): Promise<Measured> {
  const text = await readFile(fileOf(cacheRoot, recipe), 'utf8').catch(() => '[]');
  try {
    return measuredSchema.parse(JSON.parse(text));
  } catch {
    return [];
  }
}

/** Keeps how long something took. It lies beside the artifacts, and stays when these go. */
export async function keepMeasured(
  cacheRoot: string,
  recipe: Pick<Recipe, 'id' | 'version'>,
  { seconds, cores }: Pick<Measured[number], 'seconds' | 'cores'>,
): Promise<void> {
  const file = fileOf(cacheRoot, recipe);
  const known = await readMeasured(cacheRoot, recipe);
  const { version } = recipe;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.${process.pid}`, JSON.stringify([...known, { version, seconds, cores }].slice(-kept)));
  await rename(`${file}.${process.pid}`, file);
}
