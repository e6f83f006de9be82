import ipaddr from 'ipaddr.js';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { ServicePort } from './service-port.ts';

const classE = ipaddr.IPv4.parseCIDR('240.0.0.0/4');

const unusable: Readonly<Partial<Record<string, string>>> = {
  multicast: 'a multicast address (224.0.0.0/4), which is not routed by default',
  loopback: 'a loopback address (127.0.0.0/8), which a sidecar may lead to one of its own listeners',
  unspecified: 'the unspecified address',
  broadcast: 'the broadcast address',
};

/** What a check says of a value that works but is not what the walkthrough advises. */
export type Advice = string | undefined;

/**
 * Checks the address of a `.global` service (walkthrough: the warning of "Configure the example services", step 4).
 *
 * @returns advice for an address outside of 240.0.0.0/4, which works as long as nothing else has it
 * @throws MeshproofError MP606 for multicast, loopback, the unspecified address, and for what is no IPv4 address.
 */
export function checkServiceAddress(address: string, host: string): Advice {
  const refuse = (why: string): never => {
    throw new MeshproofError('MP606', {
      what: `${address} cannot be the address of ${host}`,
      expected: 'an address of 240.0.0.0/4',
      seen: why,
    });
  };
  if (!ipaddr.IPv4.isValidFourPartDecimal(address)) return refuse('it is not an IPv4 address');
  const parsed = ipaddr.IPv4.parse(address);
  const why = unusable[parsed.range()];
  if (why !== undefined) return refuse(why);
  return parsed.match(classE)
    ? undefined
    : `${address} is outside of 240.0.0.0/4: it works for ${host} only as long as nothing real has it`;
}

/** A service as far as collisions go. */
export interface AddressedService {
  readonly host: string;
  readonly address: string;
}

/**
 * Checks that within one cluster no two services share an address (walkthrough: "must be unique for each remote
 * service, within a given cluster").
 *
 * @throws MeshproofError MP607 that names both.
 */
export function checkDistinctAddresses(services: readonly AddressedService[]): void {
  const owners = new Map<string, string>();
  for (const { host, address } of services) {
    const owner = owners.get(address);
    if (owner !== undefined && owner !== host)
      throw new MeshproofError('MP607', {
        what: `${owner} and ${host} share the address ${address}`,
        expected: 'an address for each',
        seen: `both have ${address}`,
      });
    owners.set(address, host);
  }
}

/** Prefixes by which Istio reads a port's protocol out of its name (istio: pkg/config/protocol/instance.go). */
const families: Readonly<Record<string, readonly string[]>> = {
  HTTP: ['http'],
  HTTP2: ['http2', 'h2c'],
  GRPC: ['grpc', 'grpc-web'],
  TLS: ['tls', 'https'],
  TCP: ['tcp', 'mongo', 'redis', 'mysql'],
};

/**
 * Checks that the name of a port says the protocol that the port declares. Istio believes the declaration of a
 * ServiceEntry, and the name of a Kubernetes Service's port: where both disagree, the two ends of one call speak
 * differently.
 *
 * @returns advice for a name that says no protocol, for which Istio guesses from the first bytes
 * @throws MeshproofError MP608 for a name that says another protocol.
 */
export function checkPortName({ name, number, protocol }: ServicePort): Advice {
  const [prefix = ''] = name.split('-');
  const familyOf = (word: string): string | undefined =>
    Object.entries(families).find(([, prefixes]) => prefixes.includes(word))?.[0];
  // The page's own port is called http1.
  const said = familyOf(prefix) ?? familyOf(prefix.replace(/\d+$/, ''));
  if (said === undefined)
    return `the port name "${name}" says no protocol: begin it with ${(families[protocol] ?? [])[0] ?? ''}-`;
  if (said === protocol) return undefined;
  throw new MeshproofError('MP608', {
    what: `port ${number} is named "${name}" and declares ${protocol}`,
    expected: `a name that begins with ${(families[protocol] ?? []).join(' or ')}`,
    seen: `a name that says ${said}`,
  });
}
