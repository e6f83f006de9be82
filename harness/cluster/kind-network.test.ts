import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishedWorkloads } from '../toolchain/images/release-images.ts';
import { Docker } from '../toolchain/docker.ts';
import { KindClusters } from './providers/kind-clusters.ts';
import { answeringAddresses, heardOf, networkFrom, readKindNetwork } from './kind-network.ts';

/** As `docker network inspect kind` of a Docker with IPv6 says it, shortened. */
const inspected = {
  Name: 'kind',
  IPAM: {
    Driver: 'default',
    Config: [
      { Subnet: 'fc00:f853:ccd:e793::/64' },
      { Subnet: '172.18.0.0/16', Gateway: '172.18.0.1', AuxiliaryAddresses: { router: '172.18.0.9' } },
    ],
  },
  Containers: {
    a1: { Name: 'west-control-plane', IPv4Address: '172.18.0.2/16', IPv6Address: 'fc00::2/64' },
    b2: { Name: 'starting', IPv4Address: '', IPv6Address: '' },
  },
};
/** As `ip -4 -json neigh show` prints it. */
const neighbours = JSON.stringify([
  { dst: '172.18.144.7', dev: 'eth0', state: ['FAILED'] },
  { dst: '172.18.144.8', dev: 'eth0', lladdr: '02:42:ac:12:00:03', state: ['REACHABLE'] },
  { dst: '172.18.0.1', dev: 'eth0', lladdr: '02:42:ac:12:00:01', state: ['STALE'] },
  { dst: '172.18.144.9', dev: 'eth0', state: ['INCOMPLETE'] },
]);

describe('the clusters’ network', () => {
  test('is the IPv4 one, with everything that Docker gave away', () => {
    expect(networkFrom(inspected)).toEqual({
      subnet: '172.18.0.0/16',
      taken: ['172.18.0.1', '172.18.0.9', '172.18.0.2'],
    });
  });

  test('without IPv4 is refused', () => {
    expect(() => networkFrom({ IPAM: { Config: [{ Subnet: 'fc00::/64' }] } })).toThrow(
      expect.objectContaining({ code: 'MP502' }),
    );
    expect(() => networkFrom({ IPAM: { Config: null }, Containers: {} })).toThrow(
      expect.objectContaining({ code: 'MP502' }),
    );
  });
});

test('whoever gave a hardware address has the address', () => {
  expect(heardOf(neighbours)).toEqual(['172.18.144.8', '172.18.0.1']);
  expect(heardOf('')).toEqual([]);
});

describe('a Docker', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meshproof-docker-'));
    await program('kind', 'exit 0');
    await program('fresh', 'case "$1 $2" in "network ls") echo bridge; echo host;; *) exit 1;; esac');
    await program(
      'used',
      'case "$1 $2" in "network ls") echo bridge; echo kind;; "network inspect") echo ' +
        `'${JSON.stringify(inspected)}';; "run --rm") echo '${neighbours}';; *) exit 1;; esac`,
    );
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  async function program(name: string, script: string): Promise<void> {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }

  const provider = (docker: string, first: string, last: string): KindClusters =>
    new KindClusters({
      name: 'meshproof',
      owner: 'test',
      clusters: ['west'],
      tools: { docker: new Docker(join(folder, docker)), program: join(folder, 'kind') },
      folder,
      pools: { west: { first, last } },
    });

  test('that never ran kind has no network to check pools against, and that is no error', async () => {
    expect(await readKindNetwork(new Docker(join(folder, 'fresh')))).toBeUndefined();
    await expect(provider('fresh', '172.18.9.1', '172.18.9.9').check()).resolves.toBeUndefined();
  });

  test('that has run it refuses pools that do not fit, before anything is made', async () => {
    await expect(provider('used', '172.18.9.1', '172.18.9.9').check()).resolves.toBeUndefined();
    await expect(provider('used', '172.19.9.1', '172.19.9.9').check()).rejects.toMatchObject({ code: 'MP502' });
    await expect(provider('used', '172.18.0.2', '172.18.0.8').check()).rejects.toMatchObject({ code: 'MP502' });
  });

  test('does not know the address that a stranger’s load balancer gave out; the network does', async () => {
    const { signal } = new AbortController();
    const docker = new Docker(join(folder, 'used'));
    const asked = ['172.18.144.7', '172.18.144.8', '172.18.144.9'];
    expect(await answeringAddresses(docker, asked, { image: 'node', signal })).toEqual(['172.18.144.8']);
    // The user's own pool holds it: reported, not stepped over.
    const start = provider('used', '172.18.144.7', '172.18.144.9').startLoadBalancer(
      { name: 'west', kubeconfig: join(folder, 'none'), context: 'none' },
      { images: publishedWorkloads, evidence: folder, signal },
    );
    await expect(start).rejects.toMatchObject({ code: 'MP502', details: { seen: '172.18.144.8' } });
  });
});
