import { meshName, type MeshChoice } from './mesh-choice.ts';
import type { Edition } from './selection.ts';

export interface EditionQuestion {
  readonly wanted: 'auto' | Edition;
  /** Whose Docker daemon will run the containers. */
  readonly engine: 'user' | 'lab';
  readonly mesh: MeshChoice;
}

export interface ChosenEdition {
  readonly edition: Edition;
  /** Why, as a message says it. */
  readonly why: string;
}

/**
 * Which edition of the toolchain this machine takes. The lab's daemon has no network that it could pull through, so it
 * takes source packages, and a mesh that is no release is built. A Docker of the user takes releases: whether their
 * publishers can be reached is asked afterwards, and is told when they cannot. Compiling everything takes many times
 * longer, so on such a machine it is done only for who asks for it.
 */
export function chooseEdition({ wanted, engine, mesh }: EditionQuestion): ChosenEdition {
  if (wanted !== 'auto') return { edition: wanted, why: `asked for by \`toolchain: ${wanted}\`` };
  if (mesh.kind === 'module' || mesh.kind === 'path')
    return { edition: 'source', why: `${meshName(mesh)} is no release of Istio, so it has to be built` };
  if (engine === 'lab') return { edition: 'source', why: 'the private daemon has no network to pull images through' };
  return { edition: 'release', why: 'your Docker pulls published images' };
}
