import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { FleetProxy } from '../diagnose/fleet.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { ConfigDump } from '../probe/envoy/config-dump.ts';

const nodeSchema = z.object({
  configs: z.array(
    z.looseObject({
      bootstrap: z
        .looseObject({
          node: z.looseObject({
            id: z.string(),
            metadata: z.looseObject({ CLUSTER_ID: z.string().optional() }).optional(),
          }),
        })
        .optional(),
    }),
  ),
});

/**
 * Reads every config dump below a folder, however they were collected: a run's evidence, `istioctl bug-report` archives unpacked
 * (`proxies/<namespace>/<pod>/config_dump?include_eds`), `istioctl proxy-config all -o json` files. Who a dump is of, it says itself. Of
 * several dumps of one proxy the last by name counts.
 *
 * @throws MeshproofError MP711 when there is none; MP703 for one that is not as Envoy writes it.
 */
export async function readFleet(folder: string): Promise<FleetProxy[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new MeshproofError('MP711', { what: 'the folder cannot be read', where: folder, cause });
  });
  const files = names
    .filter((entry) => entry.isFile() && /config[_-]dump/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const proxies = new Map<string, FleetProxy>();
  for (const file of files) {
    const proxy = await readProxy(file);
    proxies.set(proxy.name, proxy);
  }
  if (proxies.size === 0)
    throw new MeshproofError('MP711', {
      what: 'there is no config dump below the folder',
      where: folder,
      expected: 'files whose names hold “config_dump” or “config-dump”',
    });
  return [...proxies.values()];
}

async function readProxy(file: string): Promise<FleetProxy> {
  const json = await readFile(file, 'utf8')
    .then((text) => JSON.parse(text) as unknown)
    .catch((cause: unknown) => {
      throw new MeshproofError('MP703', {
        what: 'the config dump cannot be read',
        where: file,
        seen: cause instanceof Error ? cause.message : String(cause),
        cause,
      });
    });
  const dump = ConfigDump.parse(json, file);
  const node = nodeSchema.safeParse(json).data?.configs.find(({ bootstrap }) => bootstrap !== undefined)
    ?.bootstrap?.node;
  // "sidecar~10.244.0.8~sleep-76d5b8b4b6-7cjc7.foo~foo.svc.cluster.local" (istio: pkg/model/proxy.go, ServiceNode).
  const [role = '', , id = ''] = dump.node.split('~');
  const [pod, namespace] =
    id === '' ? [basename(file), 'unknown'] : [id.slice(0, id.lastIndexOf('.')), id.slice(id.lastIndexOf('.') + 1)];
  const cluster = node?.metadata?.CLUSTER_ID ?? 'unknown';
  return { cluster, name: `${cluster} ${namespace}/${pod}`, role: role === 'router' ? 'gateway' : 'sidecar', dump };
}
