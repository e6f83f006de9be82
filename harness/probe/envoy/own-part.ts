/** What of a proxy's configuration concerns a scenario: on clusters that people own nothing else is looked into. */
export interface Concerned {
  /** Hosts that the scenario declares. */
  readonly hosts: readonly string[];
  /** Namespaces that it makes. */
  readonly namespaces: readonly string[];
  /** Ports of its services, and of the gateways between the clusters. */
  readonly ports: readonly number[];
}

/** What is nobody's service: Envoy's own clusters and listeners, the proxy's certificate and its root. */
const builtIn = [
  'default|ROOTCA',
  '(BlackHole|PassthroughCluster|InboundPassthrough).*',
  String.raw`inbound(-vip)?\|.*`,
  'virtual(Inbound|Outbound)',
].join('|');

/**
 * A regular expression that matches the whole name of each listener, route, cluster and endpoint that concerns the
 * scenario, in the syntax that both Envoy (RE2) and JavaScript have: `/config_dump?name_regex=…` then sends nothing
 * else.
 */
export function namesThatConcern({ hosts, namespaces, ports }: Concerned): string {
  const quoted = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const inside = [...hosts.map(quoted), ...namespaces.map((namespace) => String.raw`\.${quoted(namespace)}\.`)];
  return [
    ...(inside.length === 0 ? [] : [`.*(${inside.join('|')}).*`]),
    ...(ports.length === 0 ? [] : [`(.*_)?(${ports.join('|')})`]),
    builtIn,
  ].join('|');
}

/** Lists of a dump whose items come from istiod, each with the place of an item's name. */
const lists: Readonly<Record<string, (item: Fields) => unknown>> = {
  dynamic_active_clusters: ({ cluster }) => field(cluster, 'name'),
  dynamic_warming_clusters: ({ cluster }) => field(cluster, 'name'),
  dynamic_listeners: ({ name }) => name,
  dynamic_route_configs: (item) => field(item['route_config'], 'name'),
  dynamic_endpoint_configs: (item) => field(item['endpoint_config'], 'cluster_name'),
};

/**
 * The part of a config dump that concerns the scenario. A gateway listens for everybody on one port, and a route has
 * the hosts of everybody: of these only the filter chains and virtual hosts that concern it stay.
 *
 * @param dump as Envoy prints it
 */
export function ownPart(dump: unknown, concerned: Concerned): unknown {
  const names = new RegExp(`^(${namesThatConcern(concerned)})$`);
  const isOwn = (name: unknown): boolean => typeof name === 'string' && names.test(name);
  const some = (texts: unknown): boolean =>
    !Array.isArray(texts) || texts.length === 0 || texts.some((text) => text === '*' || isOwn(text));
  const within = (value: unknown, key = ''): unknown => {
    if (Array.isArray(value)) {
      const nameOf = lists[key];
      const kept =
        nameOf !== undefined
          ? value.filter((item) => isOwn(nameOf(fieldsOf(item))))
          : key === 'filter_chains'
            ? value.filter((item) => some(field(fieldsOf(item)['filter_chain_match'], 'server_names')))
            : key === 'virtual_hosts'
              ? value.filter((item) => some(fieldsOf(item)['domains']))
              : value;
      return kept.map((item) => within(item));
    }
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, within(inner, name)]));
  };
  return within(dump);
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});
const field = (value: unknown, name: string): unknown => fieldsOf(value)[name];
