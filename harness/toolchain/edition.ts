import { releaseRecipes } from './manifest.ts';
import type { Edition } from './toolchain.ts';

/**
 * Which edition of the toolchain this machine can have. Releases need a Docker daemon that can pull and a network that reaches the
 * publishers; the lab's daemon has no network at all, so it always takes the source edition.
 *
 * @param wanted what the user asked for; `auto` decides by asking the first publisher for five seconds at most
 * @param engine whose Docker daemon will run the containers
 */
export async function chooseEdition(wanted: 'auto' | Edition, engine: 'user' | 'lab'): Promise<Edition> {
  if (wanted !== 'auto') return wanted;
  if (engine === 'lab') return 'source';
  const reachable = await fetch(releaseRecipes[0].checksumUrl, { signal: AbortSignal.timeout(5_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
  return reachable ? 'release' : 'source';
}
