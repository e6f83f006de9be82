import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { MeshproofError } from '../errors/meshproof-error.ts';

/** Host → address, as it was allotted. */
export type AddressBook = Readonly<Record<string, string>>;

/**
 * Allots an address of a range to each host. An address that a host has already stays its own; a new host gets the one
 * that its name hashes to, or the next free one behind it. So the same fleet gets the same addresses in every run, and
 * a host that comes or goes moves no other.
 *
 * @param hosts those that need an address now
 * @param known what was allotted before
 * @param taken addresses of somebody else, which nobody gets
 * @param range CIDR inside of 240.0.0.0/4
 * @throws MeshproofError MP606 for a range outside of 240.0.0.0/4, MP609 when the range is full.
 */
export function allotAddresses(
  hosts: readonly string[],
  known: AddressBook,
  taken: ReadonlySet<string>,
  range = '240.64.0.0/16',
): AddressBook {
  const { first, size } = parseRange(range);
  const book: Record<string, string> = {};
  const used = new Set(taken);
  const owners = new Map<string, string>();
  const sorted = [...new Set(hosts)].sort();
  for (const host of sorted) {
    const address = known[host];
    // Two hosts of one address: the first by name keeps it. One that somebody else has by now is given up.
    if (address === undefined || used.has(address) || owners.has(address) || !inside(address, first, size)) continue;
    owners.set(address, host);
    book[host] = address;
  }
  for (const address of owners.keys()) used.add(address);
  for (const host of sorted) {
    if (book[host] !== undefined) continue;
    // The first and the last address of a range are left out: some network stacks treat them as its own and as
    // broadcast.
    const start = createHash('sha256').update(host).digest().readUInt32BE(0) % (size - 2);
    const free = firstFree(first + 1, size - 2, start, used);
    if (free === undefined)
      throw new MeshproofError('MP609', {
        what: `no address of ${range} is free for ${host}`,
        expected: `a range with room for ${sorted.length} hosts`,
        seen: `${used.size} of ${size - 2} taken`,
      });
    used.add(free);
    book[host] = free;
  }
  return Object.fromEntries(Object.entries(book).sort());
}

/** The first address at or behind a start that nobody has; behind the end of the range its beginning comes. */
function firstFree(first: number, size: number, start: number, used: ReadonlySet<string>): string | undefined {
  for (let step = 0; step < size; step += 1) {
    const address = toText(first + ((start + step) % size));
    if (!used.has(address)) return address;
  }
  return undefined;
}

function parseRange(range: string): { readonly first: number; readonly size: number } {
  const refuse = (why: string): never => {
    throw new MeshproofError('MP606', {
      what: `${range} cannot be the range of service addresses`,
      expected: 'a range inside of 240.0.0.0/4, like 240.64.0.0/16',
      seen: why,
    });
  };
  if (!ipaddr.IPv4.isValidCIDR(range)) return refuse('it is no IPv4 range');
  const [network, bits] = ipaddr.IPv4.parseCIDR(range);
  if (!network.match(ipaddr.IPv4.parseCIDR('240.0.0.0/4')) || bits < 4) return refuse('it is outside');
  if (bits > 29) return refuse('it has room for nobody');
  const size = 2 ** (32 - bits);
  return { first: Math.floor(toNumber(network.toString()) / size) * size, size };
}

const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toText = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
const inside = (address: string, first: number, size: number): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(address) && toNumber(address) > first && toNumber(address) < first + size - 1;
