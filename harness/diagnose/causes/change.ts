import type { ObjectChange } from '../changes.ts';
import { seenName, type Concern, type SeenObject } from '../situation.ts';
import type { Explainer, Suspect } from './cause.ts';
import { meaningOfChange } from './meaning.ts';
import { listIn, textIn } from './reading.ts';

/** Namespaces whose objects hold for the whole mesh, or for the whole cluster. */
const everywhere = new Set(['istio-system', 'kube-system', 'metallb-system']);

/**
 * On clusters that meshproof made, whatever is not as it was when the mesh was ready was done to them: each such object
 * that concerns the call is a suspect.
 */
export const changedObjects: Explainer = ({ changes, concern }) =>
  changes.filter((change) => concerns(change, concern)).map(suspect);

function suspect(change: ObjectChange): Suspect {
  const { cluster, object } = change;
  const { layer, does, field } = meaningOfChange(change);
  return {
    certainty: 2,
    layer,
    cluster,
    object: seenName(object),
    ...(field === undefined ? {} : { field }),
    does,
    try: remedy(change),
    seen: change.fields.slice(0, 8).map(({ field: name, was, is }) => `${name}: ${short(was)} → ${short(is)}`),
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

const short = (value: string | undefined): string =>
  value === undefined ? 'not set' : value.length > 160 ? `${value.slice(0, 160)}…` : value;

/** Whether an object can have to do with the call: by its namespace, by its hosts, or since it holds everywhere. */
export function concerns(
  { object }: { readonly object: SeenObject },
  { namespaces, hosts }: Pick<Concern, 'namespaces' | 'hosts'>,
): boolean {
  const { namespace, kind, name } = object;
  if (kind === 'Namespace') return namespaces.includes(name) || everywhere.has(name);
  if (namespace === undefined || everywhere.has(namespace) || namespaces.includes(namespace)) return true;
  // An object of another namespace reaches this call by the hosts that it is for.
  return hostsOf(object).some((pattern) => hosts.some((host) => hostMatches(pattern, host)));
}

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
