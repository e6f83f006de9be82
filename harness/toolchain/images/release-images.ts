import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { fetchText } from '../fetch-release.ts';
import { metallbManifestUrl, releaseImages, versions } from '../manifest.ts';
import { bakeNode } from './bake-node.ts';
import type { ImageSet } from './image-set.ts';
import { removeOldImages } from './remove-old-images.ts';
import type { ImageOptions } from './source-images.ts';

const pastCoreDns = { '1.2.6': releaseImages['coredns-1.2.6'], '1.4.0': releaseImages['coredns-1.4.0'] };

/**
 * Pulls the published images and bakes them into kind's node image.
 *
 * @throws MeshproofError MP302 for an image or manifest that cannot be fetched, with docker's words.
 */
export async function pullReleaseImages(options: ImageOptions): Promise<ImageSet> {
  const { docker, say, signal } = options;
  const metallbManifest = await fetchManifest(options);
  const manifest = await readFile(metallbManifest, 'utf8');
  const [controller, speaker] = ['controller', 'speaker'].map((role) => {
    const image = new RegExp(`image: (\\S+/${role}:\\S+)`).exec(manifest)?.[1];
    if (image === undefined) throw new MeshproofError('MP302', { what: `MetalLB’s manifest names no ${role} image`, where: metallbManifestUrl });
    return image;
  }) as [string, string];
  const node = releaseNodeImage();
  const payload = [releaseImages.pilot, releaseImages.proxyv2, releaseImages.httpbin, releaseImages.curl, controller, speaker];
  const images: ImageSet = {
    node,
    istio: { hub: releaseImages.pilot.slice(0, releaseImages.pilot.lastIndexOf('/')), tag: versions.istioRelease },
    metallb: { controller, speaker },
    httpbin: { image: releaseImages.httpbin, port: 8080 },
    curl: releaseImages.curl,
    coredns: pastCoreDns,
    metallbManifest,
    ownNode: false,
  };
  if (await docker.hasImage(node)) return images;

  const limit = pLimit(3);
  let pulled = 0;
  const all = [releaseImages.node, ...payload, ...Object.values(pastCoreDns)];
  await Promise.all(
    all.map((image) =>
      limit(async () => {
        if (!(await docker.hasImage(image))) await docker.run(['pull', '--quiet', image], { purpose: `pull ${image}`, code: 'MP302', signal, timeout: 900_000 });
        pulled += 1;
        say(`pulled ${pulled} of ${all.length} images`);
      }),
    ),
  );
  await bakeNode({ ...options, base: releaseImages.node, node, payload });
  say('removing images of earlier toolchains');
  await removeOldImages(docker, 'meshproof/node', node);
  return images;
}

/** The sample workloads from published images, for clusters that meshproof did not make. */
export const publishedWorkloads: ImageSet = {
  node: '',
  istio: { hub: '', tag: '' },
  metallb: { controller: '', speaker: '' },
  httpbin: { image: releaseImages.httpbin, port: 8080 },
  curl: releaseImages.curl,
  coredns: pastCoreDns,
  metallbManifest: '',
  ownNode: false,
};

/** The name of the node image with the published images baked in: a hash over their names. */
export function releaseNodeImage(): string {
  const parts = [...Object.values(releaseImages), metallbManifestUrl];
  return `meshproof/node:${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12)}`;
}

async function fetchManifest({ cache, signal }: ImageOptions): Promise<string> {
  const folder = join(cache.root, 'downloads');
  const file = join(folder, `metallb-${versions.metallb}.yaml`);
  const present = await readFile(file, 'utf8').catch(() => undefined);
  if (present !== undefined) return file;
  const text = await fetchText(metallbManifestUrl, signal);
  await mkdir(folder, { recursive: true });
  await writeFile(`${file}.unfinished`, text);
  await rename(`${file}.unfinished`, file);
  return file;
}
