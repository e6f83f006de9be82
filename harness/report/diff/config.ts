import { ConfigDump } from '../../probe/envoy/config-dump.ts';
import { normaliserFor, type Normalise } from './normalise.ts';

/** One difference in the meaning of two configurations: the same at every resource and proxy that is named. */
export interface ConfigChange {
  /** "cluster", "listener", "route"… */
  readonly kind: string;
  /** "transport_socket.typed_config.sni"; "" when the whole resource came or went. */
  readonly path: string;
  readonly base: string | undefined;
  readonly head: string | undefined;
  /** Names of the resources that have it. */
  readonly resources: readonly string[];
  /** "direct-sidecar · west foo/sleep". */
  readonly proxies: readonly string[];
}

/** A proxy's configuration as facts: "cluster\tname\tpath" → value. */
type Facts = ReadonlyMap<string, string>;

/** The value of a fact that says no more than that a resource, or an item of a list, is there. */
export const there = 'there';

/** Fields that say when and by which push, not what. */
const moments = new Set(['version_info', 'last_updated', 'last_update_attempt', 'nonce', 'client_status']);
/** What lists of an Envoy dump are in no order, and what tells their items apart. */
const sections: Readonly<
  Record<string, { readonly lists: readonly string[]; readonly resource: string; readonly kind: string }>
> = {
  ListenersConfigDump: { lists: ['static_listeners', 'dynamic_listeners'], resource: 'listener', kind: 'listener' },
  ClustersConfigDump: { lists: ['static_clusters', 'dynamic_active_clusters'], resource: 'cluster', kind: 'cluster' },
  RoutesConfigDump: {
    lists: ['static_route_configs', 'dynamic_route_configs'],
    resource: 'route_config',
    kind: 'route',
  },
  EndpointsConfigDump: {
    lists: ['static_endpoint_configs', 'dynamic_endpoint_configs'],
    resource: 'endpoint_config',
    kind: 'endpoints',
  },
};

/**
 * What a dump says, without what only belongs to this one environment. Certificates are left out: each environment has
 * its own.
 */
export function factsOf(raw: unknown, origin: string): Facts {
  const normalise = normaliserFor(ConfigDump.parse(raw, origin));
  const facts = new Map<string, string>();
  for (const section of (raw as { configs: Record<string, unknown>[] }).configs) {
    const type = String(section['@type']).split('.').at(-1) ?? '';
    const known = sections[type];
    if (known !== undefined)
      for (const resource of resourcesIn(section, known))
        if (!byTraffic.has(nameOf(resource))) addResource(facts, known.kind, resource, normalise);
    if (type === 'BootstrapConfigDump') {
      const { node: _node, ...bootstrap } = section['bootstrap'] as Record<string, unknown>;
      addResource(facts, 'bootstrap', { name: 'bootstrap', ...bootstrap }, normalise);
    }
  }
  return facts;
}

function resourcesIn(
  section: Record<string, unknown>,
  { lists, resource }: { readonly lists: readonly string[]; readonly resource: string },
): Record<string, unknown>[] {
  return lists.flatMap((list) =>
    ((section[list] ?? []) as Record<string, unknown>[]).flatMap((item) => {
      const state = (item['active_state'] ?? item) as Record<string, unknown>;
      const found = state[resource] as Record<string, unknown> | undefined;
      return found === undefined ? [] : [found];
    }),
  );
}

function addResource(
  facts: Map<string, string>,
  kind: string,
  resource: Record<string, unknown>,
  normalise: Normalise,
): void {
  const name = normalise(nameOf(resource));
  let key = `${kind}\t${name}`;
  // Services of several ports behind one address share a name once addresses are words.
  for (let twin = 2; facts.has(`${key}\t`); twin += 1) key = `${kind}\t${name} (${twin})`;
  facts.set(`${key}\t`, there);
  flatten(resource, '', (path, value) => facts.set(`${key}\t${path}`, value), normalise);
}

/** Clusters whose endpoints are the connections that there happen to be (ORIGINAL_DST). */
const byTraffic = new Set([
  'PassthroughCluster',
  'InboundPassthroughCluster',
  'InboundPassthroughClusterIpv4',
  'InboundPassthroughClusterIpv6',
]);

/** What a resource is called; one without a name by what it begins with. */
function nameOf(resource: Record<string, unknown>): string {
  const name = resource['name'] ?? resource['cluster_name'];
  return typeof name === 'string'
    ? name
    : `inline ${/"(?:prefix|path)":"([^"]+)"/.exec(JSON.stringify(resource))?.[1] ?? ''}`;
}

function flatten(
  value: unknown,
  path: string,
  tell: (path: string, value: string) => void,
  normalise: Normalise,
): void {
  if (Array.isArray(value)) {
    const items = inOrder(value, path, normalise).map((item) => [itemName(item, normalise), item] as const);
    const named =
      items.every(([name]) => name !== undefined) && new Set(items.map(([name]) => name)).size === items.length;
    if (items.every(([, item]) => typeof item !== 'object' || item === null))
      tell(
        path,
        value
          .map((item) => normalise(String(item)))
          .sort()
          .join(', '),
      );
    else {
      for (const [index, [name, item]] of items.entries()) {
        const place = `${path}[${named ? (name ?? '') : index}]`;
        tell(place, there);
        flatten(item, place, tell, normalise);
      }
    }
    return;
  }
  if (typeof value !== 'object' || value === null) {
    tell(path, isNodePort(path, value) ? '<node port>' : normalise(String(value)));
    return;
  }
  const entries = Object.entries(value).filter(([key]) => !moments.has(key));
  if (entries.length === 0) tell(path, '{}');
  for (const [key, inner] of entries) flatten(inner, path === '' ? key : `${path}.${key}`, tell, normalise);
}

/**
 * Endpoints come in the order of their addresses, which say nothing; in the order of their meaning two lists can be
 * compared.
 */
function inOrder(value: readonly unknown[], path: string, normalise: Normalise): readonly unknown[] {
  if (!path.endsWith('lb_endpoints')) return value;
  return value
    .map((item) => [normalise(JSON.stringify(item)), item] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, item]) => item);
}

/** Node ports are drawn from a range of their own, anew in each environment. */
const isNodePort = (path: string, value: unknown): boolean =>
  path.endsWith('port_value') && typeof value === 'number' && value >= 30_000 && value <= 32_767;

/** What an item of a list is called, so that one more before it does not move all others. */
function itemName(item: unknown, normalise: Normalise): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const { name, filter_chain_match: match } = item as { name?: unknown; filter_chain_match?: unknown };
  const own = typeof name === 'string' ? normalise(name) : '';
  const matched = match === undefined ? '' : normalise(JSON.stringify(match));
  return own + matched === '' ? undefined : `${own}${matched}`;
}

/** What changed from one dump of a proxy to another, as facts that came, went or differ. */
export function compareFacts(
  base: Facts,
  head: Facts,
): Pick<ConfigChange, 'kind' | 'path' | 'base' | 'head' | 'resources'>[] {
  const changes: Pick<ConfigChange, 'kind' | 'path' | 'base' | 'head' | 'resources'>[] = [];
  for (const key of new Set([...base.keys(), ...head.keys()])) {
    const [before, after] = [base.get(key), head.get(key)];
    if (before === after) continue;
    const [kind = '', name = '', path = ''] = key.split('\t');
    // A resource, or an item of a list, that came or went is reported once, not field by field.
    if (
      wholesAbove(path).some(
        (whole) => base.has(`${kind}\t${name}\t${whole}`) !== head.has(`${kind}\t${name}\t${whole}`),
      )
    )
      continue;
    changes.push({ kind, path, base: before, head: after, resources: [name] });
  }
  return changes;
}

/** The resource and the items of lists that a field is in, as paths: "a[x].b[y].c" → "", "a[x]", "a[x].b[y]". */
function wholesAbove(path: string): string[] {
  if (path === '') return [];
  const ends = [...path.matchAll(/\](?=[.[])/g)].map(({ index }) => path.slice(0, index + 1));
  return ['', ...ends];
}

/** Puts together what is the same change at many resources and proxies. */
export function gather(
  found: readonly { readonly proxy: string; readonly changes: ReturnType<typeof compareFacts> }[],
): ConfigChange[] {
  const gathered = new Map<
    string,
    { change: ReturnType<typeof compareFacts>[number]; resources: Set<string>; proxies: Set<string> }
  >();
  for (const { proxy, changes } of found) {
    for (const change of changes) {
      const own = change.path === '' ? change.resources.join() : '';
      const key = JSON.stringify([change.kind, change.path, change.base, change.head, own]);
      const known = gathered.get(key) ?? { change, resources: new Set<string>(), proxies: new Set<string>() };
      for (const resource of change.resources) known.resources.add(resource);
      known.proxies.add(proxy);
      gathered.set(key, known);
    }
  }
  return [...gathered.values()]
    .map(({ change, resources, proxies }) => ({
      ...change,
      resources: [...resources].sort(),
      proxies: [...proxies].sort(),
    }))
    .sort((left, right) => right.proxies.length - left.proxies.length);
}
