import type { Progress } from '../../progress/progress.ts';
import type { ArtifactCache } from '../cache.ts';
import type { Docker } from '../docker.ts';
import type { Mirror } from '../mirror.ts';
import type { Toolchain } from '../toolchain.ts';
import type { ImageSet } from './image-set.ts';
import { pullReleaseImages } from './release-images.ts';
import { assembleSourceImages } from './source-images.ts';

export interface ResolveImagesOptions {
  readonly toolchain: Toolchain;
  readonly docker: Docker;
  readonly cache: ArtifactCache;
  readonly mirror?: Mirror | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * The images of a run, assembled or pulled, with all of them baked into the node image. One look when they are there
 * already.
 */
export async function resolveImages(options: ResolveImagesOptions): Promise<ImageSet> {
  const { toolchain, progress, signal } = options;
  let images: ImageSet | undefined;
  await progress.group(
    'images',
    [
      {
        title: toolchain.edition === 'source' ? 'assembled from the toolchain' : 'pulled',
        run: async (say, taskSignal) => {
          const work = { ...options, say, signal: taskSignal };
          // Two meshproofs must not bake the same node image at once.
          images = await options.cache.withLock(
            'images',
            () => (toolchain.edition === 'source' ? assembleSourceImages(work) : pullReleaseImages(work)),
            taskSignal,
          );
        },
      },
    ],
    { signal },
  );
  if (images === undefined) throw new Error('the image group ended without images');
  return images;
}
