import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { objectName, type KubernetesObject } from '../cluster/kubernetes-object.ts';
import { systemNamespace } from './operator.ts';
import type { ServicePort } from './service-port.ts';

/** A host that a scenario declares, with the address and the port that it takes. */
export interface DeclaredHost {
  readonly host: string;
  readonly address?: string;
  readonly port: Pick<ServicePort, 'number' | 'protocol'>;
}

const specSchema = z.looseObject({
  hosts: z.array(z.string()).default([]),
  addresses: z.array(z.string()).default([]),
  exportTo: z.array(z.string()).default(['*']),
  ports: z.array(z.looseObject({ number: z.number(), protocol: z.string().default('TCP') })).default([]),
});

/**
 * What a mesh has already that a scenario's hosts would meet: the same host, an address of a ServiceEntry, or a port on
 * which a sidecar listens at every address for another protocol. Entries that the scenario's namespaces cannot see meet
 * nothing.
 *
 * @param entries ServiceEntries of the cluster that are somebody else's
 * @param namespaces of the scenario
 * @returns a sentence for each
 */
export function collisions(
  declared: readonly DeclaredHost[],
  entries: readonly KubernetesObject[],
  namespaces: readonly string[],
): string[] {
  return entries.flatMap((entry) => {
    const { hosts, addresses, exportTo, ports } = specSchema.parse(entry['spec'] ?? {});
    const { namespace = '' } = entry.metadata;
    const seenBy = [...namespaces, systemNamespace];
    const visible =
      exportTo.includes('*') ||
      exportTo.some((to) => seenBy.includes(to)) ||
      (exportTo.includes('.') && seenBy.includes(namespace));
    if (!visible) return [];
    return declared.flatMap(({ host, address, port }) => {
      const name = hosts.find((one) => covers(one, host));
      if (name !== undefined) return [`${objectName(entry)} declares ${name}, and so the host ${host}`];
      const taken = address === undefined ? undefined : addresses.find((one) => contains(one, address));
      if (taken !== undefined)
        return [`${objectName(entry)} has the address ${taken}, and so ${address ?? ''} of ${host}`];
      const other = ports.find(
        ({ number, protocol }) => number === port.number && family(protocol) !== family(port.protocol),
      );
      // Without an address a sidecar listens for it on all of them.
      return addresses.length === 0 && other !== undefined
        ? [
            `${objectName(entry)} has port ${other.number} as ${other.protocol} at every address, ${host} as ` +
              port.protocol,
          ]
        : [];
    });
  });
}

/** "*.bar.global" covers "httpbin.bar.global"; a name covers itself. */
const covers = (pattern: string, host: string): boolean =>
  pattern === host || (pattern.startsWith('*') && host.endsWith(pattern.slice(1)));

/** Whether an address, or a CIDR range, is or contains this address. */
export function contains(range: string, address: string): boolean {
  if (!range.includes('/')) return range === address;
  if (!ipaddr.isValidCIDR(range) || !ipaddr.isValid(address)) return false;
  const [network, bits] = ipaddr.parseCIDR(range);
  const wanted = ipaddr.parse(address);
  return wanted.kind() === network.kind() && wanted.match(network, bits);
}

/** What a sidecar parses, and what it passes on. */
const family = (protocol: string): 'parsed' | 'passed' =>
  ['HTTP', 'HTTP2', 'GRPC', 'HTTP_PROXY'].includes(protocol.toUpperCase()) ? 'parsed' : 'passed';
