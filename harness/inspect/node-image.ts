import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labHasImage } from '../lab/lab.ts';
import { ArtifactCache } from '../toolchain/cache.ts';
import { releaseNodeImage } from '../toolchain/images/release-images.ts';
import { sourceImagesHash } from '../toolchain/images/source-images.ts';
import { versions } from '../toolchain/manifest.ts';
import { meshName } from '../toolchain/mesh-choice.ts';
import { releaseChoice, type Selection } from '../toolchain/selection.ts';
import type { RecipeState } from '../toolchain/toolchain.ts';
import type { Engine } from '../environment/engine.ts';

/**
 * The name of the node image, and whether it is made already. The lab's daemon may be asleep, but its images wait in
 * its data folder under their hash.
 */
export async function findNodeImage(
  states: readonly RecipeState[],
  selection: Selection,
  engine: Engine | undefined,
): Promise<{ readonly nodeImage: string; readonly nodeImageIsThere: boolean }> {
  const keys = Object.fromEntries(states.map(({ recipe, key }) => [recipe.id, key]));
  const { edition, mesh } = selection;
  // A mesh that is not pinned says what it is only once it is built.
  const series = states.flatMap(({ artifact }) =>
    artifact === undefined
      ? []
      : Object.keys(artifact.record.files).includes('VERSION')
        ? [join(artifact.folder, 'VERSION')]
        : [],
  )[0];
  const istioSeries = series === undefined ? versions.istioSeries : (await readFile(series, 'utf8')).trim();
  const tag =
    edition === 'source'
      ? `meshproof/node:${await sourceImagesHash({ keys, istioVersion: meshName(mesh), istioSeries })}`
      : releaseNodeImage(releaseChoice(selection));
  const nodeImageIsThere =
    engine?.kind === 'user'
      ? await engine.docker.hasImage(tag)
      : engine !== undefined && (await labHasImage(ArtifactCache.default(), tag));
  return { nodeImage: tag, nodeImageIsThere };
}
