import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProgram } from '../process/find-program.ts';
import { ArtifactCache } from './cache.ts';
import type { Recipe } from './recipe.ts';
import { provide } from './make-artifact.ts';

/** Debian's Chromium, for machines that have no browser of their own: what report.html is tested in. */
const recipe = {
  id: 'chromium',
  version: 'debian',
  from: 'debian',
  packages: ['chromium', 'fonts-dejavu-core'],
  withDependencies: true,
  provides: { chromium: 'usr/lib/chromium/chromium' },
  seconds: 20,
  bytes: 450_000_000,
} as const satisfies Recipe;

export interface Chromium {
  readonly program: string;
  /** Where its shared libraries are, when they are not the machine's. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * A Chromium: the machine's, else Debian's, unpacked into the cache and never installed.
 *
 * @throws MeshproofError MP301 with apt's words when neither can be had.
 */
export async function provideChromium(signal: AbortSignal): Promise<Chromium> {
  for (const name of ['chromium', 'google-chrome', 'chromium-browser']) {
    const program = await findProgram(name);
    if (program !== undefined) return { program, environment: {} };
  }
  const { folder } = await provide(recipe, ArtifactCache.default(), signal);
  const files = await readdir(folder, { recursive: true });
  const folders = new Set(files.filter((name) => /\.so(\.|$)/.test(name)).map((name) => join(folder, dirname(name))));
  return { program: join(folder, recipe.provides.chromium), environment: { LD_LIBRARY_PATH: [...folders].join(':') } };
}
