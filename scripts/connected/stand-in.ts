import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import type { Say } from '../../harness/progress/progress.ts';
import { sourceFolder } from '../../harness/toolchain/cache.ts';
import type { Docker } from '../../harness/toolchain/docker.ts';
import { bakeNode } from '../../harness/toolchain/images/bake-node.ts';
import { envoyLabel, type ImageSet } from '../../harness/toolchain/images/image-set.ts';
import { removeOldImages } from '../../harness/toolchain/images/remove-old-images.ts';
import { bareNodeImage, controlPlaneImages } from '../../harness/toolchain/images/source-images.ts';
import { versions } from '../../harness/toolchain/manifest.ts';
import { mirroredImage, mirroredUrl } from '../../harness/toolchain/mirror.ts';
import type { ImageId } from '../../harness/toolchain/published-image.ts';
import { publishedFor, type PublishedFile, type ReleaseChoice } from '../../harness/toolchain/published.ts';
import type { Publisher } from '../../harness/toolchain/publisher.ts';
import { locate, type Toolchain } from '../../harness/toolchain/toolchain.ts';

/** The versions that the stand-ins publish: Istio's is the tag of the commit that the source edition builds. */
export const standInChoice: ReleaseChoice = { istio: versions.istioRelease, kubernetes: versions.kubernetesSource };

/**
 * The hosts that everything in the published list is fetched from, as a Docker daemon and a file download ask for them.
 */
export function publisherHosts(): string[] {
  const { files, images } = publishedFor(standInChoice);
  const registries = images.map(({ name }) => mirroredImage(name, { images: 'https:/' }));
  const hosts = [...files.map(({ url }) => url), ...registries].map((url) => new URL(url).host);
  // Docker Hub's images are named by one host and served by two others.
  return [...new Set([...hosts.filter((host) => host !== 'docker.io'), 'registry-1.docker.io', 'auth.docker.io'])];
}

export interface StandInOptions {
  readonly publisher: Publisher;
  /** The source edition: its programs, and its images in the daemon. */
  readonly toolchain: Toolchain;
  readonly images: ImageSet;
  readonly docker: Docker;
  readonly say: Say;
  readonly signal: AbortSignal;
}

/**
 * Publishes what the source edition built under the names that the publishers use.
 *
 * @returns the SHA-256 of each, by URL or name: these are not the publishers' own builds, so a run has to be told that
 *   they are meant.
 */
export async function publishStandIns(options: StandInOptions): Promise<Record<string, string>> {
  const { publisher, say } = options;
  const { files, images } = publishedFor(standInChoice);
  const pins: Record<string, string> = {};
  for (const { id, url, checksumUrl } of files) {
    say(`publishing ${url}`);
    const content = await contentOf(id, options);
    const sha256 = createHash('sha256').update(content).digest('hex');
    pins[url] = sha256;
    const checksum = checksumUrl === undefined ? {} : { [pathOf(checksumUrl)]: `${sha256}  ${basename(url)}\n` };
    await publisher.publishFiles({ [pathOf(url)]: content, ...checksum });
  }
  const from = await imagesByRole(options);
  for (const [index, { id, name }] of images.entries()) {
    say(`publishing ${name}, ${index + 1} of ${images.length} images`);
    const there = mirroredImage(name, { images: '' }).replace(/^\//, '');
    await publisher.publishImage(from[id], there);
    pins[name] = await publisher.publishIndex(there);
  }
  return pins;
}

const pathOf = (url: string): string => mirroredUrl(url, { files: '' }).replace(/^\//, '');

async function contentOf(id: PublishedFile['id'], { toolchain }: StandInOptions): Promise<Buffer> {
  if (id !== 'istioctl') return await readFile(locate(toolchain, id));
  const path = locate(toolchain, id);
  const { stdout } = await execa('tar', ['-czf', '-', '-C', join(path, '..'), 'istioctl'], { encoding: 'buffer' });
  return Buffer.from(stdout);
}

async function imagesByRole(options: StandInOptions): Promise<Record<ImageId, string>> {
  const { images } = options;
  const { hub, tag } = images.istio;
  return {
    node: await nodeImage(options),
    pilot: `${hub}/pilot:${tag}`,
    proxyv2: await labelled(`${hub}/proxyv2:${tag}`, options),
    'metallb-controller': images.metallb.controller,
    'metallb-speaker': images.metallb.speaker,
    httpbin: images.httpbin.image,
    curl: images.curl,
    'coredns-1.2.6': images.coredns['1.2.6'],
    'coredns-1.4.0': images.coredns['1.4.0'],
  };
}

/** The proxy image, saying whose Envoy it has. */
async function labelled(image: string, { images: { istio }, docker, signal }: StandInOptions): Promise<string> {
  const name = `meshproof/stand-in-proxyv2:${istio.tag}`;
  await build(docker, name, { Dockerfile: `FROM ${image}\nLABEL ${envoyLabel}=${istio.envoy}\n` }, signal);
  return name;
}

/**
 * kind's own node image as the source edition has it: with the control plane's images, and with a network plugin that
 * comes as a manifest which kind applies. Until then the node is not ready, as with kindnet.
 */
async function nodeImage({ toolchain, images, docker, say, signal }: StandInOptions): Promise<string> {
  const plugin = 'meshproof/stand-in-network-plugin:1';
  const conflist = await readFile(join(sourceFolder, '../../assets/node/10-bridge.conflist'), 'utf8');
  const manifest = networkPlugin(plugin, conflist);
  const content = createHash('sha256').update(images.node).update(manifest).digest('hex');
  const name = `meshproof/stand-in-node:${content.slice(0, 12)}`;
  if (await docker.hasImage(name)) return name;
  say('assembling the node image');
  const bare = 'meshproof/stand-in-node-bare:latest';
  const dockerfile =
    `FROM ${bareNodeImage}\nRUN rm /etc/cni/net.d/10-bridge.conflist\nCOPY default-cni.yaml ` +
    '/kind/manifests/default-cni.yaml\n';
  await build(docker, bare, { Dockerfile: dockerfile, 'default-cni.yaml': manifest }, signal);
  await docker.run(['tag', images.curl, plugin]);
  const payload = [...(await controlPlaneImages(toolchain)), plugin];
  await bakeNode({ docker, base: bare, node: name, payload, say, signal });
  await removeOldImages(docker, 'meshproof/stand-in-node', name);
  return name;
}

/** A network plugin for one node: it writes its configuration, and the bridge plugin of the image does the rest. */
function networkPlugin(image: string, conflist: string): string {
  const labels = { app: 'network-plugin' };
  const path = '/etc/cni/net.d';
  const script = `cp /configuration/* ${path}/ && exec sleep infinity`;
  const metadata = { name: 'network-plugin', namespace: 'kube-system' };
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { '10-bridge.conflist': conflist } },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            hostNetwork: true,
            tolerations: [{ operator: 'Exists' }],
            containers: [
              {
                name: 'network-plugin',
                image,
                imagePullPolicy: 'IfNotPresent',
                command: ['sh', '-c', script],
                volumeMounts: [
                  { name: 'configuration', mountPath: '/configuration' },
                  { name: 'plugins', mountPath: path },
                ],
              },
            ],
            volumes: [
              { name: 'configuration', configMap: { name: 'network-plugin' } },
              { name: 'plugins', hostPath: { path, type: 'DirectoryOrCreate' } },
            ],
          },
        },
      },
    },
  ]
    .map((object) => stringify(object))
    .join('---\n');
}

async function build(
  docker: Docker,
  tag: string,
  files: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'meshproof-stand-in-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(context, name), text);
    await docker.run(['build', '--quiet', '--network', 'none', '--tag', tag, context], {
      purpose: `assemble ${tag}`,
      signal,
    });
  } finally {
    await rm(context, { recursive: true });
  }
}
