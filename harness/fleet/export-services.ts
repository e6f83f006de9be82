import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { V1Service } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { allotAddresses, type AddressBook } from '../mesh/address-book.ts';
import { exportLabel, exportServices, hostsOf, type FleetCluster, type FleetService } from '../mesh/fleet-services.ts';
import type { TopologyName } from '../mesh/topologies/names.ts';
import { topologyNamed } from '../mesh/topologies/registry.ts';
import { gatewayAddress } from '../mesh/install.ts';
import { nearestTo } from '../probe/trace.ts';
import type { ServicePort } from '../mesh/service-port.ts';

export interface ExportOptions {
  readonly clusters: readonly ClusterAddress[];
  /** How their control planes relate: it names the gateway that peers call. */
  readonly topology: TopologyName;
  /** Name of the export: its entries carry it, and no other entry is changed or deleted. */
  readonly name: string;
  /** Namespaces whose services are exported; undefined means those with sidecar injection. */
  readonly namespaces: readonly string[] | undefined;
  /** Namespace of the entries for remote services. */
  readonly into: string;
  readonly range: string;
  /** File in which the addresses are written down. */
  readonly book: string;
}

export interface Exported {
  /** Cluster → its ServiceEntries. */
  readonly objects: Readonly<Record<string, readonly KubernetesObject[]>>;
  readonly addresses: AddressBook;
}

/**
 * Reads the services of every cluster of a fleet, and makes the ServiceEntry set of each.
 *
 * @throws MeshproofError MP504 for a cluster that does not answer, MP604 for one without a gateway address, MP610 for a
 *   namespace that no cluster has, MP102 for a broken address book, MP609 when the range is full.
 */
export async function exportFleet(options: ExportOptions, signal: AbortSignal): Promise<Exported> {
  const apis = options.clusters.map((cluster) => new ClusterApi(cluster));
  if (options.namespaces !== undefined) await checkNamespaces(apis, options.namespaces);
  const fleet = await Promise.all(apis.map((api) => readCluster(api, options, signal)));
  const found = await Promise.all(apis.map((api) => readAddresses(api, options.name)));
  // What the clusters have already counts like the book: a lost book moves no address.
  const ours = Object.assign({}, ...found.map(({ own }) => own)) as AddressBook;
  const taken = new Set(found.flatMap(({ others }) => others));
  const addresses = allotAddresses(
    hostsOf(fleet),
    { ...ours, ...(await readBook(options.book)) },
    taken,
    options.range,
  );
  await mkdir(dirname(options.book), { recursive: true });
  await writeFile(options.book, `${JSON.stringify(addresses, undefined, 2)}\n`);
  return { objects: exportServices(fleet, addresses, options.into, options.name), addresses };
}

/** Writes one file for each cluster, and returns their paths; a file whose content is the same is left as it is. */
export async function writeExport(folder: string, { objects }: Exported): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const changed: string[] = [];
  for (const [cluster, entries] of Object.entries(objects)) {
    const file = join(folder, `${cluster}.yaml`);
    const text = manifestOf(entries);
    if ((await readFile(file, 'utf8').catch(() => undefined)) === text) continue;
    await writeFile(file, text);
    changed.push(file);
  }
  return changed;
}

export const manifestOf = (objects: readonly KubernetesObject[]): string =>
  objects.map((object) => `---\n${stringify(object)}`).join('');

async function readCluster(
  api: ClusterApi,
  { namespaces, topology }: ExportOptions,
  signal: AbortSignal,
): Promise<FleetCluster> {
  await api.version();
  const injected = await api.core.listNamespace({ labelSelector: 'istio-injection=enabled' });
  const chosen = new Set(namespaces ?? injected.items.flatMap(({ metadata }) => metadata?.name ?? []));
  const { items } = await api.core.listServiceForAllNamespaces();
  const services = items.filter(({ metadata }) => chosen.has(metadata?.namespace ?? '')).flatMap(serviceOf);
  const { ingressGateway } = topologyNamed(topology);
  const gateway = await gatewayAddress(api, ingressGateway, { within: 10_000, signal });
  return { name: api.address.name, gateway, services };
}

/**
 * A Service as peers may call it; one without pods of its own (ExternalName, no selector) or without a TCP port is
 * none.
 */
function serviceOf({ metadata, spec }: V1Service): FleetService[] {
  const { selector, type, ports = [] } = spec ?? {};
  const tcp = ports.filter(({ protocol }) => protocol === undefined || protocol === 'TCP');
  if (selector === undefined || Object.keys(selector).length === 0 || type === 'ExternalName' || tcp.length === 0)
    return [];
  return [
    {
      namespace: metadata?.namespace ?? '',
      name: metadata?.name ?? '',
      selector,
      ports: tcp.map(({ name = 'tcp', port, targetPort, appProtocol }) => {
        const protocol = protocolOf(appProtocol ?? name);
        // A named target port is looked up by nobody in a ServiceEntry; the service's own number is what most such pods
        // listen on.
        return {
          name: protocol === 'TCP' && !name.startsWith('tcp') ? `tcp-${name}` : name,
          number: port,
          protocol,
          targetPort: typeof targetPort === 'number' ? targetPort : port,
        };
      }),
    },
  ];
}

/** Istio reads a port's protocol from its appProtocol, or else from the beginning of its name. */
function protocolOf(name: string): ServicePort['protocol'] {
  const known = { http: 'HTTP', http2: 'HTTP2', grpc: 'GRPC', tls: 'TLS', https: 'TLS' } as const;
  const [first = ''] = name.toLowerCase().split('-');
  return first in known ? known[first as keyof typeof known] : 'TCP';
}

/**
 * Addresses that ServiceEntries of a cluster have: those of earlier exports of this name by host, and those of
 * everybody else.
 */
async function readAddresses(
  api: ClusterApi,
  name: string,
): Promise<{ readonly own: AddressBook; readonly others: readonly string[] }> {
  const own: Record<string, string> = {};
  const others: string[] = [];
  for (const { metadata, spec } of await api.listObjects('networking.istio.io/v1', 'ServiceEntry')) {
    const { hosts = [], addresses = [] } = entrySchema.parse(spec);
    const [host] = hosts;
    const [address] = addresses;
    if (metadata.labels?.[exportLabel] !== name) others.push(...addresses);
    else if (host !== undefined && address !== undefined) own[host] = address;
  }
  return { own, others };
}

/** A namespace that no cluster has is a typo; taken for an empty one it would empty the fleet. */
async function checkNamespaces(apis: readonly ClusterApi[], wanted: readonly string[]): Promise<void> {
  const lists = await Promise.all(apis.map((api) => api.core.listNamespace()));
  const known = new Set(lists.flatMap(({ items }) => items.flatMap(({ metadata }) => metadata?.name ?? [])));
  const unknown = wanted.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new MeshproofError('MP610', {
    what: `no cluster has a namespace ${unknown.join(', ')}`,
    where: apis.map(({ address }) => address.name).join(', '),
    seen: unknown.map((name) => `nearest to ${name}: ${nearestTo(name, [...known]).join(', ')}`).join('\n'),
  });
}

const entrySchema = z.looseObject({ hosts: z.array(z.string()).optional(), addresses: z.array(z.string()).optional() });

async function readBook(file: string): Promise<AddressBook> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return {};
  const parsed = z.record(z.string(), z.string()).safeParse(safeJson(text));
  if (parsed.success) return parsed.data;
  throw new MeshproofError('MP102', {
    what: 'the address book is not a list of hosts with their addresses',
    where: file,
    expected: '{"httpbin.bar.global": "240.64.0.1", …}',
    seen: text.slice(0, 200),
  });
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever reads the book says that it is broken.
    return undefined;
  }
}
