import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { packageRoot } from '../../assets/package-files.ts';
import { runProgram } from '../../process/run-program.ts';
import type { Say } from '../../progress/progress.ts';
import type { ArtifactCache } from '../cache.ts';
import type { Docker } from '../docker.ts';
import { versions } from '../manifest.ts';
import type { Mirror } from '../mirror.ts';
import { locate, type Toolchain } from '../toolchain.ts';
import { bakeNode } from './bake-node.ts';
import type { ImageSet } from './image-set.ts';
import { refusingResolver } from './refusing-resolver.ts';
import { layoutOfImages } from './unpack-images.ts';
import { removeOldImages } from './remove-old-images.ts';

/** Files of the node image. */
const nodeFolder = join(packageRoot, 'harness/assets/node');

/** The node image with nothing baked in: the last one that was assembled. */
export const bareNodeImage = 'meshproof/node-bare:latest';

/** What names the images of a toolchain. */
type Named = Pick<Toolchain, 'keys' | 'istioVersion' | 'istioSeries'>;

/** One image to assemble: what it stands on, the components it carries and how it starts. */
interface ImagePlan {
  readonly tag: string;
  readonly from: 'scratch' | 'base';
  /** Component → absolute path in the image. */
  readonly files: Readonly<Record<string, string>>;
  readonly entrypoint?: string;
  readonly lines?: readonly string[];
}

export interface ImageOptions {
  readonly toolchain: Toolchain;
  readonly docker: Docker;
  readonly cache: ArtifactCache;
  readonly mirror?: Mirror | undefined;
  readonly say: Say;
  readonly signal: AbortSignal;
}

/**
 * Assembles every image from the toolchain's binaries and bakes them into the node image. All tags are hashes of what
 * went in, so an image that exists is the right one and is used as it is.
 *
 * @throws MeshproofError MP304 with docker's words.
 */
export async function assembleSourceImages(options: ImageOptions): Promise<ImageSet> {
  const { toolchain, docker, say } = options;
  const hash = await sourceImagesHash(toolchain);
  const node = `meshproof/node:${hash}`;
  const images: ImageSet = {
    node,
    istio: { hub: 'meshproof', tag: istioTag(toolchain), envoy: 'upstream' },
    metallb: {
      controller: `meshproof/metallb-controller:${versions.metallb}`,
      speaker: `meshproof/metallb-speaker:${versions.metallb}`,
    },
    httpbin: { image: `meshproof/httpbin:${versions.httpbin}`, port: 8080 },
    curl: `meshproof/curl:${hash}`,
    coredns: { '1.2.6': `meshproof/coredns-1.2.6:${hash}`, '1.4.0': `meshproof/coredns-1.4.0:${hash}` },
    metallbManifest: locate(toolchain, 'metallb-manifest'),
    ownNode: true,
  };
  if (await docker.hasImage(node)) return images;

  const inNode = [...(await kubernetesImagePlans(toolchain)), ...meshImagePlans(toolchain)];
  const beside = Object.entries(images.coredns).map(([version, tag]): ImagePlan => ({
    tag,
    from: 'scratch',
    files: { [`coredns-${version}`]: '/coredns' },
    entrypoint: '/coredns',
  }));
  const plans = [...inNode, ...beside];
  say('importing the root filesystems');
  await Promise.all([
    docker.run(['import', locate(toolchain, 'base-rootfs'), images.curl], options),
    docker.run(['import', locate(toolchain, 'node-rootfs'), 'meshproof/node-base:latest'], options),
  ]);
  const limit = pLimit(3);
  let done = 0;
  await Promise.all(
    plans.map((plan) =>
      limit(async () => {
        await buildImage(plan, images.curl, options);
        done += 1;
        say(`assembled ${done} of ${plans.length} images`);
      }),
    ),
  );
  say('assembling the node image');
  const pause = inNode.find((plan) => plan.tag.includes('/pause:'))?.tag ?? '';
  await buildNodeBase(pause, options);
  await bakeNode({
    ...options,
    base: bareNodeImage,
    node,
    payload: [...inNode.map((plan) => plan.tag), images.curl],
  });
  say('removing images of earlier toolchains');
  for (const current of [node, images.curl, ...Object.values(images.coredns)])
    await removeOldImages(docker, current.slice(0, current.lastIndexOf(':')), current);
  return images;
}

/**
 * The hash that names the node image: over every artifact's key, the node's own files and how the images are put
 * together.
 */
export async function sourceImagesHash(toolchain: Named): Promise<string> {
  const nodeFiles = await Promise.all(
    (await readdir(nodeFolder))
      .sort()
      .map(async (name) => `${name}\n${await readFile(join(nodeFolder, name), 'utf8')}`),
  );
  return digest([
    JSON.stringify(Object.entries(toolchain.keys).sort()),
    JSON.stringify(meshImagePlans(toolchain)),
    JSON.stringify(refusingResolver),
    layoutOfImages,
    ...nodeFiles,
  ]);
}

/** Image tags must be valid and say which Istio this is. */
function istioTag(toolchain: Named): string {
  return `${toolchain.istioVersion.split('-').at(-1) ?? 'source'}-${(toolchain.keys['istio'] ?? '').slice(0, 8)}`;
}

/** The names of the control plane's images, as kubeadm asks for them. */
export async function controlPlaneImages(toolchain: Toolchain): Promise<string[]> {
  const { stdout } = await runProgram({
    program: locate(toolchain, 'kubeadm'),
    args: ['config', 'images', 'list', '--kubernetes-version', toolchain.kubernetesVersion],
    purpose: 'list the images that kubeadm expects',
    code: 'MP304',
    // kubeadm asks the network for the latest version unless it is told one; being told, it only warns.
    timeout: 20_000,
  });
  return stdout.split('\n').filter((line) => /^\S+\/\S+:\S+$/.test(line));
}

/** The control plane's images under the names that kubeadm asks for, so that the node finds them without a registry. */
async function kubernetesImagePlans(toolchain: Toolchain): Promise<ImagePlan[]> {
  const fromBase = new Set(['kube-proxy', 'etcd']);
  return (await controlPlaneImages(toolchain)).map((tag): ImagePlan => {
    const component = tag.slice(tag.lastIndexOf('/') + 1, tag.lastIndexOf(':'));
    const path = component === 'pause' ? '/pause' : `/usr/local/bin/${component}`;
    return { tag, from: fromBase.has(component) ? 'base' : 'scratch', files: { [component]: path }, entrypoint: path };
  });
}

function meshImagePlans(toolchain: Named): ImagePlan[] {
  const tag = istioTag(toolchain);
  const proxyUser =
    'RUN useradd --uid 1337 --user-group --create-home istio-proxy && mkdir -p /var/lib/istio/envoy ' +
    '/etc/istio/proxy && chmod 777 /etc/istio/proxy';
  const bootstrap = { 'envoy-bootstrap': '/var/lib/istio/envoy/envoy_bootstrap_tmpl.json' };
  return [
    {
      tag: `meshproof/proxyv2:${tag}`,
      from: 'base',
      files: { envoy: '/usr/local/bin/envoy', 'pilot-agent': '/usr/local/bin/pilot-agent', ...bootstrap },
      lines: [
        proxyUser,
        `ENV ISTIO_META_ISTIO_PROXY_SHA=${versions.envoy} ISTIO_META_ISTIO_VERSION=${toolchain.istioSeries}-${tag}`,
      ],
      entrypoint: '/usr/local/bin/pilot-agent',
    },
    {
      tag: `meshproof/pilot:${tag}`,
      from: 'base',
      files: { pilot: '/usr/local/bin/pilot-discovery', ...bootstrap },
      lines: [proxyUser, 'USER 1337:1337'],
      entrypoint: '/usr/local/bin/pilot-discovery',
    },
    {
      tag: `meshproof/metallb-controller:${versions.metallb}`,
      from: 'base',
      files: { metallb: '/controller' },
      entrypoint: '/controller',
    },
    {
      tag: `meshproof/metallb-speaker:${versions.metallb}`,
      from: 'base',
      files: { 'metallb-speaker': '/speaker' },
      entrypoint: '/speaker',
    },
    {
      tag: `meshproof/httpbin:${versions.httpbin}`,
      from: 'base',
      files: { httpbin: '/usr/local/bin/go-httpbin' },
      entrypoint: '/usr/local/bin/go-httpbin',
    },
  ];
}

async function buildImage(
  plan: ImagePlan,
  base: string,
  { toolchain, docker, cache, signal }: ImageOptions,
): Promise<void> {
  const context = join(cache.root, 'partial', `image-${digest([plan.tag])}`);
  await rm(context, { recursive: true, force: true });
  await mkdir(context, { recursive: true });
  const lines = [
    `FROM ${plan.from === 'scratch' ? 'scratch' : base}`,
    'ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  ];
  // Files before everything else, so that users are made and permissions are set last.
  for (const [component, path] of Object.entries(plan.files)) {
    await linkOrCopy(locate(toolchain, component), join(context, component));
    lines.push(`COPY ${component} ${path}`);
  }
  lines.push(...(plan.lines ?? []));
  if (plan.entrypoint !== undefined) lines.push(`ENTRYPOINT ["${plan.entrypoint}"]`);
  await writeFile(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
  await docker.run(['build', '--quiet', '--network', 'none', '--tag', plan.tag, context], {
    purpose: `assemble ${plan.tag}`,
    signal,
  });
  await rm(context, { recursive: true });
}

async function buildNodeBase(pause: string, { toolchain, docker, cache, signal }: ImageOptions): Promise<void> {
  const context = join(cache.root, 'partial', 'image-node');
  await rm(context, { recursive: true, force: true });
  await mkdir(join(context, 'bin'), { recursive: true });
  for (const name of await readdir(nodeFolder)) {
    const text = await readFile(join(nodeFolder, name), 'utf8');
    await writeFile(join(context, name), text.replaceAll('{{pause}}', pause));
  }
  for (const program of ['kubelet', 'kubeadm', 'kubectl'])
    await linkOrCopy(locate(toolchain, program), join(context, 'bin', program));
  await writeFile(join(context, 'version'), toolchain.kubernetesVersion);
  await docker.run(['build', '--quiet', '--network', 'none', '--tag', bareNodeImage, context], {
    purpose: 'assemble the node image',
    signal,
  });
  await rm(context, { recursive: true });
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}

function digest(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 12);
}
