import { ArtifactCache } from './cache.ts';
import type { GoRecipe } from './recipe.ts';
import { provide } from './make-artifact.ts';

/** actionlint, which reads GitHub's workflows as GitHub will: for the tests of this project's own. */
const recipe: GoRecipe = {
  id: 'actionlint',
  version: 'v1.7.7',
  from: 'go',
  module: 'github.com/rhysd/actionlint',
  lockedByItself: true,
  programs: { 'github.com/rhysd/actionlint/cmd/actionlint': 'actionlint' },
  provides: { actionlint: 'actionlint' },
  seconds: 20,
  bytes: 6_000_000,
};

/**
 * The path of actionlint, built on the first call.
 *
 * @throws MeshproofError MP301 with the compiler's words, MP203 without Go.
 */
export async function provideActionlint(signal: AbortSignal): Promise<string> {
  const { folder } = await provide(recipe, ArtifactCache.default(), signal);
  return `${folder}/actionlint`;
}
