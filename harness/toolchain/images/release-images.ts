import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pLimit from 'p-limit';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import type { Docker } from '../docker.ts';
import { pinnedRelease } from '../manifest.ts';
import { imageByDigest, mirroredImage, type Mirror } from '../mirror.ts';
import type { ImageId } from '../published-image.ts';
import type { PublishedImage } from '../published-image.ts';
import { publishedFor, type ReleaseChoice } from '../published.ts';
import { pullImage } from '../pull-image.ts';
import { locate } from '../toolchain.ts';
import { bakeNode } from './bake-node.ts';
import { envoyLabel, type EnvoyBuild, type ImageSet } from './image-set.ts';
import { refusingResolver } from './refusing-resolver.ts';
import { layoutOfImages } from './unpack-images.ts';
import { removeOldImages } from './remove-old-images.ts';
import type { ImageOptions } from './source-images.ts';

/** Images that stand beside the clusters, so the node image need not have them. */
const beside: readonly ImageId[] = ['node', 'coredns-1.2.6', 'coredns-1.4.0'];

/**
 * Pulls the published images and bakes them into kind's node image. A pinned image is pulled by its digest and then
 * named, so that neither a registry nor a tag that somebody made on this machine can put another one in its place.
 *
 * @throws MeshproofError MP302 for an image that cannot be pulled, with docker's words; MP303 for one that is not what
 *   was published; MP306 for a mirror of an image without a pinned digest.
 */
export async function pullReleaseImages(options: ImageOptions): Promise<ImageSet> {
  const { toolchain, docker, mirror, say, signal } = options;
  const choice = { istio: toolchain.istioVersion, kubernetes: toolchain.kubernetesVersion, pins: mirror?.pins };
  const published = publishedFor(choice).images;
  const images: ImageSet = {
    ...imageSetOf(published, ({ name }) => name),
    node: releaseNodeImage(choice),
    metallbManifest: locate(toolchain, 'metallb-manifest'),
  };
  await checkManifest(images);
  if (await docker.hasImage(images.node)) return withEnvoy(images, await envoyOf(images.node, docker));

  const limit = pLimit(3);
  let pulled = 0;
  await Promise.all(
    published.map((image) =>
      limit(async () => {
        if (!(await isThere(image, docker))) await pull(image, mirror, docker, signal);
        pulled += 1;
        say(
          `pulled ${pulled} of ${published.length} ` +
            `images${image.digest === undefined ? `, ${image.name} not pinned` : ''}`,
        );
      }),
    ),
  );
  const payload = published.filter(({ id }) => !beside.includes(id)).map(({ name }) => name);
  const base = published.find(({ id }) => id === 'node')?.name ?? '';
  const envoy = await envoyOf(published.find(({ id }) => id === 'proxyv2')?.name ?? '', docker);
  await bakeNode({ ...options, base, node: images.node, payload, labels: { [envoyLabel]: envoy } });
  say('removing images of earlier toolchains');
  await removeOldImages(docker, 'meshproof/node', images.node);
  return withEnvoy(images, envoy);
}

/**
 * Whose Envoy a proxy image carries, or a node image that has it baked in: a company may build its proxies on
 * upstream's.
 */
async function envoyOf(image: string, docker: Docker): Promise<EnvoyBuild> {
  const { stdout } = await docker.run(
    ['image', 'inspect', '--format', `{{index .Config.Labels "${envoyLabel}"}}`, image],
    {
      purpose: `look at the labels of ${image}`,
    },
  );
  return stdout.trim() === 'upstream' ? 'upstream' : 'istio';
}

const withEnvoy = (images: ImageSet, envoy: EnvoyBuild): ImageSet => ({ ...images, istio: { ...images.istio, envoy } });

/** True when the daemon has that very image; without a pinned digest, one of its name. */
export async function isThere({ name, digest }: PublishedImage, docker: Docker): Promise<boolean> {
  if (digest === undefined) return await docker.hasImage(name);
  return await docker.run(['image', 'inspect', '--format', '{{join .RepoDigests "\\n"}}', name]).then(
    ({ stdout }) => stdout.split('\n').some((known) => known.endsWith(`@${digest}`)),
    () => false,
  );
}

/**
 * Pulls an image, from a mirror when there is one, and gives it the name that its publisher gave it.
 *
 * @throws MeshproofError as `pullReleaseImages`
 */
export async function pull(
  { name, digest }: PublishedImage,
  mirror: Mirror | undefined,
  docker: Docker,
  signal: AbortSignal,
): Promise<void> {
  if (digest === undefined && mirror?.images !== undefined)
    throw new MeshproofError('MP306', {
      what: `no digest is pinned for ${name}, so a mirror of it cannot be checked`,
      expected: `the publisher’s digest under mirror.pins in the configuration, as "${name}": <64 hex digits>`,
      seen: `mirror.images ${mirror.images}`,
    });
  const there = mirroredImage(name, mirror);
  const from = digest === undefined ? there : imageByDigest(there, digest);
  await pullImage(docker, from, { signal }).catch((cause: unknown) => {
    const words = cause instanceof MeshproofError ? (cause.details.seen ?? '') : '';
    if (!/verification failed for digest|digest mismatch/i.test(words)) throw cause;
    throw new MeshproofError('MP303', {
      what: `${there} is not the image that was published`,
      expected: digest,
      seen: words,
      cause,
    });
  });
  if (from !== name) await docker.run(['tag', from, name], { purpose: `name ${from} ${name}`, signal });
}

/** MetalLB's manifest and the images in the node must be of one version, else the clusters would pull. */
async function checkManifest({ metallb, metallbManifest }: ImageSet): Promise<void> {
  const manifest = await readFile(metallbManifest, 'utf8');
  for (const image of Object.values(metallb))
    if (!manifest.includes(`image: ${image}\n`))
      throw new MeshproofError('MP303', {
        what: 'MetalLB’s manifest names other images than those that are baked into the node image',
        where: metallbManifest,
        expected: image,
        seen: [...manifest.matchAll(/image: (\S+)/g)].map(([, name]) => name).join(', '),
      });
}

function imageSetOf(published: readonly PublishedImage[], refer: (image: PublishedImage) => string): ImageSet {
  const of = (id: ImageId): PublishedImage => {
    const found = published.find((image) => image.id === id);
    if (found === undefined) throw new MeshproofError('MP999', { what: `no image ${id} is published` });
    return found;
  };
  const pilot = of('pilot').name;
  const colon = pilot.lastIndexOf(':');
  return {
    node: '',
    istio: { hub: pilot.slice(0, pilot.lastIndexOf('/')), tag: pilot.slice(colon + 1), envoy: 'istio' },
    metallb: { controller: refer(of('metallb-controller')), speaker: refer(of('metallb-speaker')) },
    httpbin: { image: refer(of('httpbin')), port: 8080 },
    curl: refer(of('curl')),
    coredns: { '1.2.6': refer(of('coredns-1.2.6')), '1.4.0': refer(of('coredns-1.4.0')) },
    metallbManifest: '',
    ownNode: false,
  };
}

/**
 * The sample workloads from published images, for clusters that you own: by name and digest, which a kubelet checks.
 */
export const publishedWorkloads: ImageSet = imageSetOf(publishedFor(pinnedRelease).images, ({ name, digest }) =>
  digest === undefined ? name : `${name}@${digest}`,
);

/**
 * The name of the node image with the published images baked in: a hash over what they are, and over MetalLB's
 * manifest.
 */
export function releaseNodeImage(choice: ReleaseChoice): string {
  const { files, images } = publishedFor(choice);
  const parts = [
    ...images.map(({ name, digest = '' }) => `${name}@${digest}`),
    ...files.filter(({ id }) => id === 'metallb-manifest').map(({ sha256 = '' }) => sha256),
    JSON.stringify(refusingResolver),
    layoutOfImages,
  ];
  return `meshproof/node:${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12)}`;
}
