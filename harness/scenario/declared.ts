import type { ClusterApi } from '../cluster/cluster-api.ts';
import { objectName, type KubernetesObject } from '../cluster/kubernetes-object.ts';
import { isOwn } from '../cluster/labels.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { collisions, type DeclaredHost } from '../mesh/collisions.ts';

/**
 * Kinds that scenarios make on clusters that the user owns, as the question beforehand lists them; nothing else is
 * applied there.
 */
export const sampleKinds = [
  'ServiceAccounts',
  'Services',
  'EndpointSlices',
  'Deployments',
  'ServiceEntries',
  'DestinationRules',
  'VirtualServices',
] as const;

/** What a scenario says beforehand that it makes: its `needs` have it. */
export interface Declared {
  readonly namespaces: readonly string[];
  readonly hosts?: readonly DeclaredHost[];
  /** False for one that holds where nobody gives a gateway an address: nothing waits for one then. */
  readonly loadBalancer?: boolean;
}

/**
 * Checks that a scenario applies to a cluster that the user owns only what the owner agreed to.
 *
 * @throws MeshproofError MP715 for a namespace, a kind or a host that it does not declare.
 */
export function checkDeclared(scenario: string, object: KubernetesObject, { namespaces, hosts = [] }: Declared): void {
  const { kind, metadata } = object;
  const refuse = (what: string, expected: string): never => {
    throw new MeshproofError('MP715', {
      what: `the scenario ${scenario} would apply ${objectName(object)}, and did not declare ${what}`,
      expected,
    });
  };
  const place = kind === 'Namespace' ? metadata.name : (metadata.namespace ?? '');
  if (!namespaces.includes(place)) refuse(`the namespace ${place}`, `needs.namespaces with ${place}`);
  const plural = kind.endsWith('Entry') ? `${kind.slice(0, -1)}ies` : `${kind}s`;
  if (kind !== 'Namespace' && !(sampleKinds as readonly string[]).includes(plural))
    refuse(`the kind ${kind}`, `one of ${sampleKinds.join(', ')}`);
  if (kind !== 'ServiceEntry') return;
  const { hosts: own = [] } = object['spec'] as { readonly hosts?: readonly string[] };
  for (const host of own)
    if (!hosts.some((declared) => declared.host === host)) refuse(`the host ${host}`, `needs.hosts with ${host}`);
}

/**
 * The first thing in clusters that the user owns that a scenario's hosts would meet, as a sentence.
 *
 * @param apis of the clusters; those that meshproof made are passed over, nobody else lives there
 */
export async function firstCollision(
  { namespaces, hosts = [] }: Declared,
  apis: readonly Pick<ClusterApi, 'address' | 'listObjects'>[],
): Promise<string | undefined> {
  if (hosts.length === 0) return undefined;
  for (const api of apis.filter(({ address }) => address.foreign === true)) {
    const { address } = api;
    const entries = await api.listObjects('networking.istio.io/v1', 'ServiceEntry');
    const others = entries.filter((entry) => !isOwn(entry, address.owner));
    const [first] = collisions(hosts, others, namespaces);
    if (first !== undefined) return `would meet what is there: in ${address.name}, ${first}`;
  }
  return undefined;
}
