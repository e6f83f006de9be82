import { contains } from '../../mesh/collisions.ts';
import type { ObjectChange } from '../changes.ts';
import { meshNamespaces, seenName, type Concern, type SeenObject } from '../situation.ts';
import type { Explainer, Suspect } from './cause.ts';
import { changeInShort, hasMeshLabels, meaningOfChange } from './meaning.ts';
import { listIn, textIn } from './reading.ts';

/**
 * On clusters that meshproof made, whatever is not as it was when the mesh was ready was done to them: each such object
 * that concerns the call is a suspect.
 */
export const changedObjects: Explainer = ({ changes, concern }) =>
  changes.filter((change) => concerns(change, concern)).map(suspect);

function suspect(change: ObjectChange): Suspect {
  const { cluster, object } = change;
  const { layer, does, field } = meaningOfChange(change);
  const { kind, namespace } = object;
  // By any other label of a namespace a call is neither led nor refused, unless a selector names it.
  const otherLabel = kind === 'Namespace' && change.change === 'changed' && !hasMeshLabels(change.fields);
  // What is not there of a sample may only not be there yet: what stopped the scenario stood before it.
  const maybeNotYet = change.change === 'removed' && namespace !== undefined && !meshNamespaces.includes(namespace);
  return {
    certainty: otherLabel || maybeNotYet ? 1 : 2,
    layer,
    cluster,
    object: seenName(object),
    ...(field === undefined ? {} : { field }),
    does,
    try: remedy(change),
    seen: change.fields.slice(0, 8).map(changeInShort),
  };
}

function remedy({ change, object: { kind, namespace, name } }: ObjectChange): string {
  const where = namespace === undefined ? '' : ` -n ${namespace}`;
  switch (change) {
    case 'added':
      return `Delete it, or exclude this call from its rules: kubectl delete${where} ${kind.toLowerCase()} ${name}`;
    case 'removed':
      return `Restore ${kind} ${name}${where === '' ? '' : ` in ${namespace ?? ''}`}.`;
    case 'changed':
      return `Restore the field: kubectl edit${where} ${kind.toLowerCase()} ${name}`;
  }
}

/** Whether an object can have to do with the call: by its namespace, by what it is for, or as it holds everywhere. */
export function concerns(
  { object }: { readonly object: SeenObject },
  { namespaces, hosts, applied, words }: Pick<Concern, 'namespaces' | 'hosts' | 'applied' | 'words'>,
): boolean {
  const { namespace, kind, name, body } = object;
  if (kind === 'Namespace') return namespaces.includes(name) || meshNamespaces.includes(name);
  if (namespace === undefined || meshNamespaces.includes(namespace) || namespaces.includes(namespace)) return true;
  // All namespaces share the gateways, and what one of them asks of a gateway holds for the calls of all.
  if (kind === 'Gateway') return true;
  // An object of another namespace reaches this call by the hosts or the addresses that it is for, or the call reached
  // it: then the failure speaks of its hosts.
  const own = hostsOf(object);
  if (own.some((pattern) => hosts.some((host) => hostMatches(pattern, host)) || words.includes(pattern))) return true;
  const called = [...applied.values()].flat().flatMap(addressesOf);
  return addressesOf({ body }).some((range) => called.some((address) => contains(range, address)));
}

/** The addresses that a ServiceEntry is for. */
export const addressesOf = ({ body }: Pick<SeenObject, 'body'>): string[] =>
  listIn(body, 'spec.addresses').filter((address) => typeof address === 'string');

/** The hosts that a mesh object is for. */
export const hostsOf = ({ body }: SeenObject): string[] =>
  [...listIn(body, 'spec.hosts'), textIn(body, 'spec.host')].filter(
    (host): host is string => typeof host === 'string' && host !== '',
  );

/**
 * Whether a host of a mesh object means this host: itself, a wildcard over it, or the Kubernetes name behind a
 * `.global` one.
 */
export function hostMatches(pattern: string, host: string): boolean {
  const bare = pattern.includes('/') ? pattern.slice(pattern.indexOf('/') + 1) : pattern;
  if (bare === '*' || bare === host) return true;
  if (bare.startsWith('*.')) return host.endsWith(bare.slice(1));
  const [name = '', namespace = ''] = host.split('.');
  return bare === `${name}.${namespace}.svc.cluster.local` || bare === `${name}.${namespace}`;
}
