import { pinnedRelease, releaseRecipes } from './manifest.ts';
import { mirroredUrl, type Mirror } from './mirror.ts';
import type { Edition } from './toolchain.ts';
import type { MeshChoice } from './mesh-choice.ts';

export interface EditionQuestion {
  /** What the user asked for; `auto` decides by asking the first publisher for five seconds at most. */
  readonly wanted: 'auto' | Edition;
  /** Whose Docker daemon will run the containers. */
  readonly engine: 'user' | 'lab';
  readonly mesh: MeshChoice;
  readonly mirror?: Mirror | undefined;
}

/**
 * Which edition of the toolchain this machine can have. Releases need a Docker daemon that can pull and a network that reaches the
 * publishers, or a mirror of them; the lab's daemon has no network, so it takes the source edition. A mesh that is no release is built.
 */
export async function chooseEdition({ wanted, engine, mesh, mirror }: EditionQuestion): Promise<Edition> {
  if (wanted !== 'auto') return wanted;
  if (engine === 'lab' || mesh.kind === 'module' || mesh.kind === 'path') return 'source';
  const [first] = releaseRecipes(pinnedRelease);
  const reachable = await fetch(mirroredUrl(first?.checksumUrl ?? '', mirror), {
    signal: AbortSignal.timeout(5_000),
  }).then(
    ({ ok }) => ok,
    () => false,
  );
  return reachable ? 'release' : 'source';
}
