import { z } from 'zod';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Docker } from '../toolchain/docker.ts';
import type { ClusterNetwork } from './address-pool.ts';

/** The Docker network that all kind clusters of a daemon share. kind makes it with its first cluster. */
export const kindNetwork = 'kind';

const networkSchema = z.object({
  IPAM: z.object({
    Config: z
      .array(
        z.object({
          Subnet: z.string(),
          Gateway: z.string().optional(),
          AuxiliaryAddresses: z.record(z.string(), z.string()).nullish(),
        }),
      )
      .nullable(),
  }),
  Containers: z.record(z.string(), z.object({ IPv4Address: z.string() })).nullish(),
});

/**
 * Looks at the clusters' network, with the addresses that Docker has given away on it; undefined where there is none
 * yet, as on a Docker that never ran kind.
 *
 * @throws MeshproofError MP502 when it has no IPv4 subnet.
 */
export async function readKindNetwork(docker: Docker): Promise<ClusterNetwork | undefined> {
  const options = { purpose: 'look at the network of the clusters', code: 'MP502' } as const;
  const { stdout: names } = await docker.run(['network', 'ls', '--format', '{{.Name}}'], options);
  if (!names.split('\n').includes(kindNetwork)) return undefined;
  const { stdout } = await docker.run(['network', 'inspect', kindNetwork, '--format', '{{json .}}'], options);
  return networkFrom(JSON.parse(stdout));
}

/** The same from what `docker network inspect` says of one network. */
export function networkFrom(inspected: unknown): ClusterNetwork {
  const { IPAM: ipam, Containers: containers } = networkSchema.parse(inspected);
  const v4 = (ipam.Config ?? []).find(({ Subnet }) => !Subnet.includes(':'));
  if (v4 === undefined)
    throw new MeshproofError('MP502', {
      what: `the Docker network ${kindNetwork} has no IPv4 subnet`,
      seen: JSON.stringify(ipam.Config),
    });
  const taken = [
    v4.Gateway ?? '',
    ...Object.values(v4.AuxiliaryAddresses ?? {}),
    ...Object.values(containers ?? {}).map(({ IPv4Address }) => IPv4Address.split('/')[0] ?? ''),
  ];
  return { subnet: v4.Subnet, taken: taken.filter((address) => address !== '') };
}

/**
 * Sends a packet to each address, whose kernel asks by ARP who has it, and prints whom it heard of once nothing is
 * unanswered any more; the kernel itself gives up after three seconds.
 */
const askAround = `
for address in "$@"; do echo > "/dev/udp/$address/9"; done 2>/dev/null
for look in $(seq 50); do ip -4 neigh show | grep -q INCOMPLETE || break; sleep 0.1; done
ip -4 -json neigh show`;

/**
 * Finds out, by ARP from a container on the clusters' network, at which of these addresses somebody answers: Docker
 * does not know of load balancers' addresses, which other clusters give out by themselves.
 *
 * @param image with bash and iproute2, as every node image of kind has them
 * @throws MeshproofError MP502 when it cannot be asked.
 */
export async function answeringAddresses(
  docker: Docker,
  addresses: readonly string[],
  { image, signal }: { readonly image: string; readonly signal: AbortSignal },
): Promise<string[]> {
  const container = ['run', '--rm', '--network', kindNetwork, '--entrypoint', 'bash', image];
  const { stdout } = await docker.run([...container, '-c', askAround, 'ask', ...addresses], {
    purpose: 'ask who has the addresses of the pools',
    code: 'MP502',
    timeout: 30_000,
    signal,
  });
  return heardOf(stdout).filter((address) => addresses.includes(address));
}

const neighboursSchema = z.array(z.object({ dst: z.string(), lladdr: z.string().optional() }));

/** The addresses whose owner gave a hardware address, in what `ip -json neigh show` prints. */
export function heardOf(neighbours: string): string[] {
  return neighboursSchema
    .parse(JSON.parse(neighbours.trim() === '' ? '[]' : neighbours))
    .flatMap(({ dst, lladdr }) => (lladdr === undefined ? [] : [dst]));
}
