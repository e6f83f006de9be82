import { open, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FleetProxy } from '../diagnose/fleet.ts';
import { asMeshproofError, MeshproofError } from '../errors/meshproof-error.ts';
import { readDump } from '../probe/envoy/read-dump.ts';

/** The largest dump that is read, in bytes: ten times what the largest proxies have. */
const largestDump = 1024 ** 3;

/** The proxies of a fleet, and the dumps that could not be read. */
export interface Fleet {
  readonly proxies: readonly FleetProxy[];
  /** One error for each dump that is cut off or not as Envoy writes it; it names the file. */
  readonly unread: readonly MeshproofError[];
}

/**
 * Reads every config dump below a folder, however they were collected: a run's evidence, `istioctl bug-report` archives
 * unpacked (`proxies/<namespace>/<pod>/config_dump?include_eds`), `istioctl proxy-config all -o json` files. Who a dump
 * is of, it says itself. Of several dumps of one proxy the last by name counts. A dump that cannot be read is reported,
 * and hides no other.
 *
 * @throws MeshproofError MP711 when there is none; MP703 or MP721 when none can be read.
 */
export async function readFleet(folder: string): Promise<Fleet> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new MeshproofError('MP711', { what: 'the folder cannot be read', where: folder, cause });
  });
  const files = names
    .filter((entry) => entry.isFile() && /config[_-]dump/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const proxies = new Map<string, FleetProxy>();
  const unread: MeshproofError[] = [];
  for (const file of files) {
    try {
      const proxy = await readProxy(file);
      proxies.set(proxy.name, proxy);
    } catch (error) {
      unread.push(asMeshproofError(error));
    }
  }
  const [first] = unread;
  if (proxies.size === 0 && first !== undefined) throw first;
  if (proxies.size === 0)
    throw new MeshproofError('MP711', {
      what: 'there is no config dump below the folder',
      where: folder,
      expected: 'files whose names hold “config_dump” or “config-dump”',
    });
  return { proxies: [...proxies.values()], unread };
}

async function readProxy(file: string): Promise<FleetProxy> {
  const dump = readDump(await bytesOf(file), file);
  // "sidecar~10.244.0.8~sleep-76d5b8b4b6-7cjc7.foo~foo.svc.cluster.local" (istio: pkg/model/proxy.go, ServiceNode).
  const [role = '', , id = ''] = dump.node.split('~');
  const [pod, namespace] =
    id === '' ? [basename(file), 'unknown'] : [id.slice(0, id.lastIndexOf('.')), id.slice(id.lastIndexOf('.') + 1)];
  const cluster = dump.clusterId ?? 'unknown';
  return { cluster, name: `${cluster} ${namespace}/${pod}`, role: role === 'router' ? 'gateway' : 'sidecar', dump };
}

async function bytesOf(file: string): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size > largestDump)
      throw new MeshproofError('MP721', {
        what: 'the config dump is larger than is read',
        where: file,
        expected: `at most ${largestDump} bytes`,
        seen: `${size} bytes`,
      });
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
