import { z } from 'zod';
import { runInBakery, startContainerd, stopContainerd, type Bakery } from './node-containerd.ts';

/** Where a node's containerd keeps what it has. */
const store = '/var/lib/containerd';
/** A folder of the node image itself, which all nodes made of it share. */
const baked = '/kind/baked';
/** Changes with the way in which images lie in a node, so that a node image of another way has another name. */
export const layoutOfImages = 'unpacked in the image, 2';
/** A folder in a volume: containerd cannot unpack onto the layers of a container. */
export const scratch = '/scratch';

/**
 * Unpacks the images of a node, and moves what takes room out of /var. kind gives each node a volume for /var, to which
 * Docker copies all that the image has there; and containerd unpacks each image when a pod needs it first. For two
 * clusters that is two gigabytes written and read, and half a minute of one core. Moved out of /var, the layers of all
 * pods are those of the node image itself, which the kernel reads once, whatever number of nodes there are.
 *
 * An image that takes files of its lower layers away stays as it was: the marks for that cannot lie in another image's
 * layer. So do all of them where the kernel does not stack that many layers.
 *
 * @param bakery with a volume at `scratch`, and no containerd that runs
 */
export async function unpackImages(bakery: Bakery, say: (text: string) => void): Promise<void> {
  const exec = (...args: string[]): Promise<string> => runInBakery(bakery, ...args);
  const shell = (script: string, ...args: string[]): Promise<string> => exec('sh', '-c', script, 'sh', ...args);
  if ((await shell(stacks)).trim() !== 'yes') {
    say('this kernel stacks no layers on those of a container: the nodes unpack their images themselves');
    return;
  }
  await shell(`cp -a ${store} ${scratch}/containerd`);
  await startContainerd(bakery, '--root', `${scratch}/containerd`);
  const read = async (digest: string): Promise<Content> =>
    contentSchema.parse(JSON.parse(await exec('ctr', '-n', 'k8s.io', 'content', 'get', digest)));
  const images = targetsOf(await exec('ctr', '-n', 'k8s.io', 'images', 'list'));
  const layers = new Map<string, string[]>();
  for (const image of images) layers.set(image, await layersOf(image, read));
  const all = [...new Set([...layers.values()].flat())];
  const takingAway = new Set((await shell(listTakingAway, ...all)).split('\n'));
  const whole = images.filter((image) => layers.get(image)?.some((layer) => takingAway.has(layer)) === false);
  for (const [index, image] of whole.entries()) {
    say(`unpacking image ${index + 1} of ${whole.length}`);
    await exec('ctr', '-n', 'k8s.io', 'snapshots', '--snapshotter', 'overlayfs', 'unpack', image);
  }
  await stopContainerd(bakery);
  say('moving the images out of /var');
  await shell(move);
}

/** Says "yes" where a container's layer can be a pod's lowest one, found by a link from a volume. */
const stacks = `
mkdir -p ${baked}/probe ${scratch}/try/upper ${scratch}/try/work ${scratch}/try/merged
ln -s ${baked}/probe ${scratch}/try/lower
cd ${scratch}/try
if mount -t overlay overlay -o lowerdir=$PWD/lower,upperdir=$PWD/upper,workdir=$PWD/work merged 2>/dev/null
then umount merged && echo yes
fi
cd / && rm -rf ${scratch}/try ${baked}/probe`;

/** Of some layers those that take files away, or that cannot be listed. */
const listTakingAway = `
blobs=${scratch}/containerd/io.containerd.content.v1.content/blobs/sha256
for layer in "$@"; do
  if tar -tf "$blobs/\${layer#sha256:}" >/tmp/names 2>/dev/null
  then grep -qE '(^|/)\\.wh\\.' /tmp/names && echo "$layer"
  else echo "$layer"
  fi
done
rm -f /tmp/names`;

const move = `
set -e
snapshots=${scratch}/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots
blobs=${scratch}/containerd/io.containerd.content.v1.content/blobs/sha256
mkdir -p ${baked}/snapshots ${baked}/blobs
# What is a link was moved when the base was baked.
for id in $(ls "$snapshots"); do
  [ -L "$snapshots/$id/fs" ] && continue
  cp -a "$snapshots/$id/fs" "${baked}/snapshots/$id"
  rm -rf "$snapshots/$id/fs"
  ln -s "${baked}/snapshots/$id" "$snapshots/$id/fs"
done
for blob in $(ls "$blobs"); do
  [ -L "$blobs/$blob" ] && continue
  cp -a "$blobs/$blob" "${baked}/blobs/$blob"
  ln -sf "${baked}/blobs/$blob" "$blobs/$blob"
done
rm -rf ${store}
cp -a ${scratch}/containerd ${store}`;

const contentSchema = z.looseObject({
  manifests: z.array(z.looseObject({ digest: z.string() })).optional(),
  layers: z.array(z.looseObject({ digest: z.string() })).optional(),
});
/** An index or a manifest, as far as it is read. */
export type Content = z.infer<typeof contentSchema>;

/** The digests of what `ctr images list` lists, each once: REF, TYPE, DIGEST and more. */
export const targetsOf = (list: string): string[] => [
  ...new Set(list.split('\n').flatMap((line) => /\bsha256:[0-9a-f]{64}\b/.exec(line.split(/\s+/)[2] ?? '') ?? [])),
];

/**
 * The layers of an image, of all its platforms that are there.
 *
 * @param read gives the index or manifest of a digest, and rejects for one that is not there
 */
export async function layersOf(image: string, read: (digest: string) => Promise<Content>): Promise<string[]> {
  const { manifests, layers = [] } = await read(image);
  // Of an index only the platform of this machine was imported.
  const there = await Promise.all((manifests ?? []).map(({ digest }) => read(digest).catch(() => undefined)));
  return [...layers, ...there.flatMap((one) => one?.layers ?? [])].map(({ digest }) => digest);
}
