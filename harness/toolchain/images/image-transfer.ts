import { z } from 'zod';
import type { Docker } from '../docker.ts';

/** What decides how images leave a Docker daemon. */
export interface ImageStore {
  /**
   * `graph` is Docker's own store, which holds one platform of an image; `containerd` (the default of a new Docker 29
   * and of Docker Desktop) keeps the publisher's whole index beside the one platform that was pulled.
   */
  readonly kind: 'graph' | 'containerd';
  /** The API version that client and daemon agreed on. */
  readonly apiVersion: string;
  /** Platform of the daemon's machine, e.g. `linux/amd64`. */
  readonly platform: string;
}

/** The arguments of `docker save`, before the images, and of `ctr images import`. */
export interface ImageTransfer {
  readonly save: readonly string[];
  readonly load: readonly string[];
}

const infoSchema = z.object({
  DriverStatus: z
    .array(z.array(z.string()))
    .nullish()
    .transform((status) => status ?? []),
  OSType: z.string(),
  Architecture: z.string(),
});

/**
 * Asks a daemon for its image store.
 *
 * @throws MeshproofError MP304 with docker's words.
 */
export async function imageStoreOf(docker: Docker, signal?: AbortSignal): Promise<ImageStore> {
  const purpose = 'look at Docker’s image store';
  const [info, version] = await Promise.all([
    docker.run(['info', '--format', '{{json .}}'], { purpose, signal }),
    docker.run(['version', '--format', '{{.Client.APIVersion}}'], { purpose, signal }),
  ]);
  return imageStoreFrom(JSON.parse(info.stdout), version.stdout.trim());
}

/** The same from what `docker info` and `docker version` said. */
export function imageStoreFrom(info: unknown, apiVersion: string): ImageStore {
  const { DriverStatus: status, OSType: system, Architecture: machine } = infoSchema.parse(info);
  const snapshotter = status.some(([key, value]) => key === 'driver-type' && value === 'io.containerd.snapshotter.v1');
  // Docker says it in the kernel's words, images in Go's.
  const architecture = { x86_64: 'amd64', aarch64: 'arm64' }[machine] ?? machine;
  return { kind: snapshotter ? 'containerd' : 'graph', apiVersion, platform: `${system}/${architecture}` };
}

/** The first API version whose `docker save` takes a platform (Docker 28.0). */
const savesByPlatform = '1.48';

/**
 * How images of a store come into a node's containerd. An index names platforms and attestations that were never
 * pulled; asked for all platforms, `ctr images import` looks for them in the archive and fails with “content digest …
 * not found”. So either the archive holds one platform, or containerd takes its own platform out of it.
 */
export function imageTransfer({ kind, apiVersion, platform }: ImageStore): ImageTransfer {
  const load = ['--no-unpack', '--digests', '-'];
  if (kind === 'graph') return { save: ['save'], load: ['--all-platforms', ...load] };
  if (!atLeast(apiVersion, savesByPlatform)) return { save: ['save'], load };
  return { save: ['save', '--platform', platform], load: ['--all-platforms', ...load] };
}

function atLeast(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
