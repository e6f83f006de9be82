import { MeshproofError } from '../errors/meshproof-error.ts';
import { releaseRecipes, sourceRecipes, versions, type ReleaseChoice } from './manifest.ts';
import { meshName, recipeFor, type MeshChoice } from './mesh-choice.ts';
import type { Recipe } from './recipe.ts';

/** Where components come from: published releases and images, or source packages. */
export type Edition = 'release' | 'source';

/** What is to be resolved, as plain data. */
export interface Selection {
  readonly edition: Edition;
  readonly mesh: MeshChoice;
  /** Version of Kubernetes, e.g. `v1.34.11`. */
  readonly kubernetes: string;
  /** SHA-256 values that the user gives, see `ReleaseChoice`. */
  readonly pins?: ReleaseChoice['pins'];
  /** Whether meshproof runs the Docker daemon; its tools are left out where the user's Docker serves. */
  readonly lab: boolean;
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
        'Other versions come as kind’s published node images: use a machine with Docker that reaches them, ' +
        'and `--toolchain release`.',
    });
  if (mesh.kind === 'release')
    throw new MeshproofError('MP305', {
      what: `Istio ${mesh.version} is published as images, which this toolchain does not pull`,
      remedy:
        'Name the commit of the release by its pseudo-version, or use a machine with Docker that reaches the ' +
        'images, and `--toolchain release`.',
    });
  // mmdebstrap comes with the lab's tools and makes the root filesystems, so they are needed with the user's Docker,
  // too.
  return sourceRecipes.map((recipe): Recipe => (recipe.id === 'istio' ? recipeFor(mesh, recipe) : recipe));
}
