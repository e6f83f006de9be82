import type { ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { scenarioLabel } from '../cluster/labels.ts';
import type { GatewayAddress } from '../mesh/install.ts';
import { outboundCluster, remoteService } from '../mesh/services.ts';

/** Where everything goes that a measurement of growth adds to a cluster; nothing else is in it. */
export const growthNamespace = 'meshproof-growth';

const namespaceObject: KubernetesObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  // By the label the next run finds what a killed measurement left.
  metadata: { name: growthNamespace, labels: { [scenarioLabel]: 'growth' } },
};

/** Milliseconds that a namespace with thousands of entries may take to go. */
const goesWithin = 180_000;

/** Makes the namespace anew; what a killed measurement left in it is gone then. */
export async function makeGrowthNamespace(api: ClusterApi, signal: AbortSignal): Promise<void> {
  if ((await api.read(namespaceObject)) !== undefined) await removeGrowthNamespace(api);
  await api.apply(namespaceObject, signal);
}

/**
 * Takes the namespace away with all that is in it, and waits until it is gone. No interrupt stops that.
 *
 * @throws MeshproofError MP701 when it stays.
 */
export async function removeGrowthNamespace(api: ClusterApi): Promise<void> {
  await api.delete(namespaceObject);
  await api.waitUntilGone(growthNamespace, { within: goesWithin });
}

/** A remote service as a measurement offers it: its number, and the port that the last change gave it. */
export interface GrowingService {
  readonly number: number;
  readonly port: number;
}

/** The port of a service that was never changed. */
export const firstPort = 8000;

const hostOf = ({ number }: GrowingService): string => `remote-${number}.${growthNamespace}.global`;

/** The address of a service: of a block that neither the walkthrough nor an export uses. */
const addressOf = ({ number }: GrowingService): string =>
  `241.${(number + 1) >> 16}.${((number + 1) >> 8) & 255}.${(number + 1) & 255}`;

/**
 * The entry for a service that other clusters have: behind the gateway of one of them, each in turn.
 *
 * @param peers gateways of the other clusters, one or more
 */
export function growingEntry(service: GrowingService, peers: readonly GatewayAddress[]): KubernetesObject {
  const peer = peers[service.number % peers.length];
  return remoteService({
    host: hostOf(service),
    namespace: growthNamespace,
    name: `remote-${service.number}`,
    address: addressOf(service),
    port: { name: 'http', number: service.port, protocol: 'HTTP' },
    // An address is looked up by nobody, a host name by the proxies.
    resolution: peer?.kind === 'hostname' ? 'DNS' : 'STATIC',
    endpoints: [{ address: peer?.address ?? '' }],
  });
}

/** The cluster that every proxy makes of a service. */
export const clusterOf = (service: GrowingService): string => outboundCluster(hostOf(service), service.port);

/** A pattern, in RE2's syntax, that matches the clusters of some services; of many, those of all services. */
export function patternOf(services: readonly GrowingService[]): string {
  const quoted = (text: string): string => text.replaceAll(/[.|]/g, String.raw`\$&`);
  const [only] = services;
  return services.length === 1 && only !== undefined
    ? quoted(clusterOf(only))
    : String.raw`outbound\|\d+\|\|remote-\d+\.${growthNamespace}\.global`;
}
