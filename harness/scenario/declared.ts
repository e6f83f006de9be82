import type { ClusterApi } from '../cluster/cluster-api.ts';
import { objectName, type KubernetesObject } from '../cluster/kubernetes-object.ts';
import { isOwn } from '../cluster/labels.ts';
import { policyKinds, sampleKinds, type PolicyKind } from '../cluster/scenario-kinds.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { collisions, type DeclaredHost } from '../mesh/collisions.ts';
import { systemNamespace } from '../mesh/operator.ts';
import { untold, type Told } from '../mesh/proxy-telling.ts';
import { ask } from '../tape/tape.ts';

/** What a scenario says beforehand that it makes: its `needs` have it. */
export interface Declared {
  readonly namespaces: readonly string[];
  readonly hosts?: readonly DeclaredHost[];
  /** False for one that holds where nobody gives a gateway an address: nothing waits for one then. */
  readonly loadBalancer?: boolean;
  /** What it reads of proxies that a mesh need not have them tell. */
  readonly reads?: readonly Told[];
  /** The policies that it applies in its namespaces. */
  readonly policies?: readonly PolicyKind[];
}

/** The kinds that scenarios make on clusters that the user owns, as the question beforehand lists them. */
export const kindsOf = (declared: readonly Pick<Declared, 'policies'>[]): string[] => {
  const policies = new Set(declared.flatMap(({ policies: own = [] }) => own));
  return [...sampleKinds, ...[...policies].map((kind) => policyKinds[kind])].map(({ plural }) => plural);
};

/**
 * Checks that a scenario applies to a cluster that the user owns only what the owner agreed to.
 *
 * @throws MeshproofError MP715 for a namespace, a kind or a host that it does not declare.
 */
export function checkDeclared(
  scenario: string,
  object: KubernetesObject,
  { namespaces, hosts = [], policies = [] }: Declared,
): void {
  const { kind, metadata } = object;
  const refuse = (what: string, expected: string): never => {
    throw new MeshproofError('MP715', {
      what: `the scenario ${scenario} would apply ${objectName(object)}, and did not declare ${what}`,
      expected,
    });
  };
  const place = kind === 'Namespace' ? metadata.name : (metadata.namespace ?? '');
  if (!namespaces.includes(place)) refuse(`the namespace ${place}`, `needs.namespaces with ${place}`);
  const kinds = [...sampleKinds.map((one) => one.kind), ...policies];
  if (kind !== 'Namespace' && !kinds.includes(kind))
    refuse(
      `the kind ${kind}`,
      kind in policyKinds ? `needs.policies with ${kind}` : `one of ${kindsOf([{ policies }]).join(', ')}`,
    );
  if (kind !== 'ServiceEntry') return;
  const { hosts: own = [] } = object['spec'] as { readonly hosts?: readonly string[] };
  for (const host of own)
    if (!hosts.some((declared) => declared.host === host)) refuse(`the host ${host}`, `needs.hosts with ${host}`);
}

/**
 * The first thing in clusters that the user owns that a scenario's hosts would meet, or that their proxies do not tell
 * and it reads, as a sentence.
 *
 * @param apis of the clusters; those that meshproof made are passed over, nobody else lives there
 */
export async function firstCollision(
  { namespaces, hosts = [], reads = [] }: Declared,
  apis: readonly Pick<ClusterApi, 'address' | 'listObjects'>[],
): Promise<string | undefined> {
  for (const api of apis.filter(({ address }) => address.foreign === true)) {
    const { address } = api;
    if (reads.length > 0) {
      // Only the sentence is written down: the configuration of somebody else's mesh is nobody's business.
      const question = `what proxies of ${address.name} do not tell`;
      const silent = await ask(question, () => silence(reads, api), { unasked: '' });
      if (silent !== '') return `${silent}: cluster ${address.name}`;
    }
    if (hosts.length === 0) continue;
    const entries = await api.listObjects('networking.istio.io/v1', 'ServiceEntry');
    const others = entries.filter((entry) => !isOwn(entry, address.owner));
    const [first] = collisions(hosts, others, namespaces);
    if (first !== undefined) return `would meet what is there: in ${address.name}, ${first}`;
  }
  return undefined;
}

/**
 * What the proxies of a mesh do not tell, by every configuration of it that there is: one for each revision. Where none
 * may be read it is found out by the proofs themselves.
 *
 * @returns "" when they tell all
 */
async function silence(reads: readonly Told[], api: Pick<ClusterApi, 'listObjects'>): Promise<string> {
  const maps = await api.listObjects('v1', 'ConfigMap', undefined, systemNamespace).catch(() => []);
  const configs = maps.flatMap(({ metadata, ...map }) => {
    const { mesh } = (map['data'] ?? {}) as { readonly mesh?: string };
    return /^istio(-|$)/.test(metadata.name) && mesh !== undefined ? [mesh] : [];
  });
  const lacking = configs.map((config) => untold(reads, config));
  return lacking.includes(undefined) ? '' : (lacking[0] ?? '');
}
