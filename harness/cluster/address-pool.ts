import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { MeshproofError } from '../errors/meshproof-error.ts';

/** An inclusive IPv4 range, as MetalLB's IPAddressPool takes it. */
export interface AddressPool {
  readonly first: string;
  readonly last: string;
}

export const poolRange = (pool: AddressPool): string => `${pool.first}-${pool.last}`;

/**
 * The clusters' common network: its subnet and the addresses that are taken on it: the gateway's, containers', and
 * those that somebody answers at.
 */
export interface ClusterNetwork {
  readonly subnet: string;
  readonly taken: readonly string[];
}

const toNumber = (address: string): number =>
  ipaddr.IPv4.parse(address).octets.reduce((sum, octet) => sum * 256 + octet, 0);
const toAddress = (number: number): string => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');

export interface PoolOptions {
  /** Addresses in each pool (default 16). */
  readonly size?: number;
  /**
   * Whose pools these are: each environment begins elsewhere, so that several on one network keep out of each other's
   * way.
   */
  readonly owner?: string;
}

/**
 * Computes one pool for each cluster, none overlapping another and none holding a taken address, the network's own or
 * the broadcast address.
 *
 * They lie between the half and seven eighths of the network: Docker allots from its bottom, and at its top are the
 * pools of other people's clusters, where kind's and MetalLB's guides put them (172.18.255.200 and up). In a network
 * too small for that they lie wherever there is room.
 *
 * @throws MeshproofError MP502 when the network is too small.
 */
export function computePools(
  clusters: readonly string[],
  network: ClusterNetwork,
  { size = 16, owner = '' }: PoolOptions = {},
): Record<string, AddressPool> {
  const { low, high } = bounds(network.subnet);
  const taken = new Set(network.taken.map(toNumber));
  const [half, upper] = [low + Math.floor((high - low) / 2), low + Math.floor(((high - low) * 7) / 8)];
  const slots = Math.floor((upper - half) / (size * clusters.length));
  const slot = slots === 0 ? upper : upper - (hashOf(owner) % slots) * size * clusters.length;
  const rooms = [
    { above: half, to: slot },
    { above: half, to: upper },
    { above: low, to: high - 1 },
  ];
  for (const room of rooms) {
    const pools = pack(clusters, size, room, taken);
    if (pools !== undefined) return pools;
  }
  throw new MeshproofError('MP502', {
    what: `the clusters’ network has no room for ${clusters.length} pools of ${size} addresses`,
    expected: `a subnet with ${clusters.length} ranges of ${size} free addresses`,
    seen: `${network.subnet}, taken: ${network.taken.join(', ')}`,
  });
}

/** One pool after the other, downwards from the room's last address, stepping over what is taken. */
function pack(
  clusters: readonly string[],
  size: number,
  { above, to }: { readonly above: number; readonly to: number },
  taken: ReadonlySet<number>,
): Record<string, AddressPool> | undefined {
  const pools: Record<string, AddressPool> = {};
  let last = to;
  for (const cluster of clusters) {
    let free = 0;
    let address = last;
    for (; free < size; address -= 1) {
      if (address <= above) return undefined;
      if (taken.has(address)) [free, last] = [0, address - 1];
      else free += 1;
    }
    pools[cluster] = { first: toAddress(last - size + 1), last: toAddress(last) };
    last -= size;
  }
  return pools;
}

/** The same number for the same name, on every machine. */
const hashOf = (name: string): number => createHash('sha256').update(name).digest().readUInt32BE();

/** Addresses of pools, at most so many of the beginning of each: MetalLB gives out the first ones first. */
export function addressesOf(pools: Readonly<Record<string, AddressPool>>, most = 64): string[] {
  return Object.values(pools).flatMap(({ first, last }) => {
    const start = toNumber(first);
    const count = Math.min(most, toNumber(last) - start + 1);
    return Array.from({ length: count }, (_, index) => toAddress(start + index));
  });
}

/**
 * Checks pools that a user chose: inside of the network, clear of taken addresses, and of each other.
 *
 * @throws MeshproofError MP502 that names the pool and what it collides with.
 */
export function checkPools(pools: Readonly<Record<string, AddressPool>>, network: ClusterNetwork): void {
  const { low, high } = bounds(network.subnet);
  const ranges = Object.entries(pools).map(([cluster, pool]) => ({
    cluster,
    pool,
    first: toNumber(pool.first),
    last: toNumber(pool.last),
  }));
  for (const [index, range] of ranges.entries()) {
    const where = `cluster ${range.cluster}`;
    const name = `the address pool ${poolRange(range.pool)}`;
    if (range.first > range.last) throw new MeshproofError('MP502', { what: `${name} ends before it begins`, where });
    if (range.first <= low || range.last >= high) {
      throw new MeshproofError('MP502', {
        what: `${name} lies outside of the clusters’ network`,
        where,
        expected: `inside of ${network.subnet}`,
        seen: poolRange(range.pool),
      });
    }
    const used = network.taken.find((address) => toNumber(address) >= range.first && toNumber(address) <= range.last);
    if (used !== undefined)
      throw new MeshproofError('MP502', { what: `${name} holds an address that is in use`, where, seen: used });
    const other = ranges.slice(0, index).find((earlier) => range.first <= earlier.last && earlier.first <= range.last);
    if (other !== undefined) {
      throw new MeshproofError('MP502', {
        what: `${name} overlaps that of cluster ${other.cluster}`,
        where,
        seen: poolRange(other.pool),
      });
    }
  }
}

/** Reads "first-last". */
export function parsePool(text: string): AddressPool | undefined {
  const [first, last, ...rest] = text.split('-').map((part) => part.trim());
  if (first === undefined || last === undefined || rest.length > 0) return undefined;
  return ipaddr.IPv4.isValidFourPartDecimal(first) && ipaddr.IPv4.isValidFourPartDecimal(last)
    ? { first, last }
    : undefined;
}

function bounds(subnet: string): { low: number; high: number } {
  return {
    low: toNumber(ipaddr.IPv4.networkAddressFromCIDR(subnet).toString()),
    high: toNumber(ipaddr.IPv4.broadcastAddressFromCIDR(subnet).toString()),
  };
}
