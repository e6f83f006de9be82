import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { fetchText } from '../fetch-release.ts';
import type { Docker } from '../docker.ts';
import { metallbManifestUrl, pinnedRelease, releaseImages, versions, type ReleaseChoice } from '../manifest.ts';
import { mirroredImage, mirroredUrl } from '../mirror.ts';
import { pullImage } from '../pull-image.ts';
import { bakeNode } from './bake-node.ts';
import type { ImageSet } from './image-set.ts';
import { removeOldImages } from './remove-old-images.ts';
import type { ImageOptions } from './source-images.ts';

const pastCoreDns = (published: ReturnType<typeof releaseImages>): ImageSet['coredns'] => ({
  '1.2.6': published['coredns-1.2.6'],
  '1.4.0': published['coredns-1.4.0'],
});

/**
 * Pulls the published images and bakes them into kind's node image.
 *
 * @throws MeshproofError MP302 for an image or manifest that cannot be fetched, with docker's words.
 */
export async function pullReleaseImages(options: ImageOptions): Promise<ImageSet> {
  const { toolchain, docker, mirror, say, signal } = options;
  const choice = { istio: toolchain.istioVersion, kubernetes: toolchain.kubernetesVersion };
  const published = releaseImages(choice);
  const metallbManifest = await fetchManifest(options);
  const manifest = await readFile(metallbManifest, 'utf8');
  const [controller, speaker] = ['controller', 'speaker'].map((role) => {
    const image = new RegExp(`image: (\\S+/${role}:\\S+)`).exec(manifest)?.[1];
    if (image === undefined)
      throw new MeshproofError('MP302', {
        what: `MetalLB’s manifest names no ${role} image`,
        where: metallbManifestUrl,
      });
    return image;
  }) as [string, string];
  const node = releaseNodeImage(choice);
  const payload = [published.pilot, published.proxyv2, published.httpbin, published.curl, controller, speaker];
  const images: ImageSet = {
    node,
    istio: { hub: published.pilot.slice(0, published.pilot.lastIndexOf('/')), tag: choice.istio },
    metallb: { controller, speaker },
    httpbin: { image: published.httpbin, port: 8080 },
    curl: published.curl,
    coredns: pastCoreDns(published),
    metallbManifest,
    ownNode: false,
  };
  if (await docker.hasImage(node)) return images;

  const limit = pLimit(3);
  let pulled = 0;
  const all = [published.node, ...payload, ...Object.values(images.coredns)];
  await Promise.all(
    all.map((image) =>
      limit(async () => {
        if (!(await docker.hasImage(image))) await pull(image, mirroredImage(image, mirror), docker, signal);
        pulled += 1;
        say(`pulled ${pulled} of ${all.length} images`);
      }),
    ),
  );
  await bakeNode({ ...options, base: published.node, node, payload });
  say('removing images of earlier toolchains');
  await removeOldImages(docker, 'meshproof/node', node);
  return images;
}

/** Pulls an image, from a mirror when there is one, and gives it the name that its publisher gave it. */
async function pull(image: string, from: string, docker: Docker, signal: AbortSignal): Promise<void> {
  await pullImage(docker, from, { signal });
  if (from !== image) await docker.run(['tag', from, image], { purpose: `name ${from} ${image}`, signal });
}

/** The sample workloads from published images, for clusters that meshproof did not make. */
export const publishedWorkloads: ImageSet = {
  node: '',
  istio: { hub: '', tag: '' },
  metallb: { controller: '', speaker: '' },
  httpbin: { image: releaseImages(pinnedRelease).httpbin, port: 8080 },
  curl: releaseImages(pinnedRelease).curl,
  coredns: pastCoreDns(releaseImages(pinnedRelease)),
  metallbManifest: '',
  ownNode: false,
};

/** The name of the node image with the published images baked in: a hash over their names. */
export function releaseNodeImage(choice: ReleaseChoice): string {
  const parts = [...Object.values(releaseImages(choice)), metallbManifestUrl];
  return `meshproof/node:${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12)}`;
}

async function fetchManifest({ cache, mirror, signal }: ImageOptions): Promise<string> {
  const folder = join(cache.root, 'downloads');
  const file = join(folder, `metallb-${versions.metallb}.yaml`);
  const present = await readFile(file, 'utf8').catch(() => undefined);
  if (present !== undefined) return file;
  const text = await fetchText(mirroredUrl(metallbManifestUrl, mirror), signal);
  await mkdir(folder, { recursive: true });
  await writeFile(`${file}.unfinished`, text);
  await rename(`${file}.unfinished`, file);
  return file;
}
