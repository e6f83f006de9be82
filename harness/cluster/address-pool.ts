import ipaddr from 'ipaddr.js';
import { MeshproofError } from '../errors/meshproof-error.ts';

/** An inclusive IPv4 range, as MetalLB's IPAddressPool takes it. */
export interface AddressPool {
  readonly first: string;
  readonly last: string;
}

export const poolRange = (pool: AddressPool): string => `${pool.first}-${pool.last}`;

/** The clusters' common network: its subnet and the addresses that are taken on it (gateway, node containers). */
export interface ClusterNetwork {
  readonly subnet: string;
  readonly taken: readonly string[];
}

const toNumber = (address: string): number =>
  ipaddr.IPv4.parse(address).octets.reduce((sum, octet) => sum * 256 + octet, 0);
const toAddress = (number: number): string => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');

/**
 * Computes one pool for each cluster from the top of the network, away from where Docker allots, none overlapping another and none
 * holding a taken address, the network's own or the broadcast address.
 *
 * @param size addresses in each pool
 * @throws MeshproofError MP502 when the network is too small.
 */
export function computePools(
  clusters: readonly string[],
  network: ClusterNetwork,
  size = 16,
): Record<string, AddressPool> {
  const { low, high } = bounds(network.subnet);
  const taken = new Set(network.taken.map(toNumber));
  const pools: Record<string, AddressPool> = {};
  let last = high - 1;
  for (const cluster of clusters) {
    let first = last - size + 1;
    for (let address = first; address <= last; address += 1) {
      if (!taken.has(address)) continue;
      last = address - 1;
      first = last - size + 1;
      address = first - 1;
      if (first <= low) break;
    }
    if (first <= low) {
      throw new MeshproofError('MP502', {
        what: `the clusters’ network has no room for ${clusters.length} pools of ${size} addresses`,
        expected: `a subnet with ${clusters.length * size} free addresses at its top`,
        seen: `${network.subnet}, taken: ${network.taken.join(', ')}`,
      });
    }
    pools[cluster] = { first: toAddress(first), last: toAddress(last) };
    last = first - 1;
  }
  return pools;
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
