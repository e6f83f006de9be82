import { X509Certificate } from 'node:crypto';
import type { z } from 'zod';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { isNewerPush } from './push-version.ts';
import {
  configDumpSchema,
  sections,
  type Cluster,
  type FilterChain,
  type Listener,
  type LoadAssignment,
  type RouteConfig,
  type VirtualHost,
} from './schema.ts';

/** "address:port" of an endpoint with the health that Envoy gives it. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly health: string;
  /** Envoy turns to a higher number only when those below it fail. */
  readonly priority: number;
  /** What the endpoint's label says about TLS, by which auto mTLS chooses: "istio", or undefined. */
  readonly tlsMode?: string | undefined;
}

/** The TLS that a cluster starts towards its endpoints. */
export interface UpstreamTls {
  readonly sni: string | undefined;
  readonly alpn: readonly string[];
  /** SDS secrets it presents (`default`) and trusts (`ROOTCA`). */
  readonly presents: readonly string[];
  readonly trusts: string | undefined;
  /** SPIFFE identities accepted from the server; empty means any that the root vouches for. */
  readonly acceptedIdentities: readonly string[];
}

/** One certificate of a proxy's secret. */
export interface CertificateView {
  readonly subject: string;
  readonly issuer: string;
  /** `URI:` subject alternative names. */
  readonly identities: readonly string[];
  readonly notAfter: Date;
  /** SHA-256 over the DER, lower-case hex: the form of `Hash=` in X-Forwarded-Client-Cert. */
  readonly fingerprint: string;
}

/** An xDS resource that the proxy refused, with Envoy's words. */
export interface Rejection {
  readonly resource: string;
  readonly details: string;
}

type Section<Key extends keyof typeof sections> = z.infer<(typeof sections)[Key]>;

/** Dumps that were read before; a replay meets the same one again and again. */
const read = new WeakMap<object, ConfigDump>();

/** A proxy's configuration as Envoy itself dumps it, with the questions that claims ask. */
export class ConfigDump {
  readonly #listeners: Section<'listenersDump'>;
  readonly #clusters: Section<'clustersDump'>;
  readonly #routes: Section<'routesDump'>;
  readonly #endpoints: Section<'endpointsDump'> | undefined;
  readonly #secrets: Section<'secretsDump'> | undefined;
  /** Envoy's node id, e.g. `sidecar~10.244.0.9~sleep-….foo~foo.svc.cluster.local`. */
  readonly node: string;
  /** The cluster as the proxy itself knows it, "west". */
  readonly clusterId: string | undefined;

  private constructor(dump: z.infer<typeof configDumpSchema>, origin: string) {
    this.#listeners = required(dump, 'listenersDump', origin);
    this.#clusters = required(dump, 'clustersDump', origin);
    this.#routes = optional(dump, 'routesDump', origin) ?? {
      '@type': 'type.googleapis.com/envoy.admin.v3.RoutesConfigDump',
    };
    this.#endpoints = optional(dump, 'endpointsDump', origin);
    this.#secrets = optional(dump, 'secretsDump', origin);
    const node = optional(dump, 'bootstrapDump', origin)?.bootstrap.node;
    this.node = node?.id ?? 'unknown';
    this.clusterId = node?.metadata?.CLUSTER_ID;
  }

  /**
   * Reads the JSON of `/config_dump?include_eds`.
   *
   * @param origin where the dump comes from, for messages
   * @throws MeshproofError MP703 that names the field which is missing or of another type.
   */
  static parse(json: unknown, origin: string): ConfigDump {
    const known = typeof json === 'object' && json !== null ? read.get(json) : undefined;
    if (known !== undefined) return known;
    const dump = configDumpSchema.safeParse(json);
    if (!dump.success) throw notUnderstood(origin, 'configs', dump.error);
    const parsed = new ConfigDump(dump.data, origin);
    if (typeof json === 'object' && json !== null) read.set(json, parsed);
    return parsed;
  }

  /** Every listener that serves now, static and dynamic. */
  get listeners(): Listener[] {
    const fixed = (this.#listeners.static_listeners ?? []).map(({ listener }) => listener);
    const dynamic = (this.#listeners.dynamic_listeners ?? []).flatMap(({ active_state }) =>
      active_state === undefined ? [] : [active_state.listener],
    );
    return [...fixed, ...dynamic];
  }

  get clusters(): Cluster[] {
    return [...(this.#clusters.static_clusters ?? []), ...(this.#clusters.dynamic_active_clusters ?? [])].map(
      ({ cluster }) => cluster,
    );
  }

  get routeConfigs(): RouteConfig[] {
    return [...(this.#routes.static_route_configs ?? []), ...(this.#routes.dynamic_route_configs ?? [])].map(
      ({ route_config }) => route_config,
    );
  }

  /** Version that istiod gave the last accepted push of clusters and of listeners, and the newest of the routes. */
  get versions(): { readonly clusters: string; readonly listeners: string; readonly routes: string } {
    const routes = (this.#routes.dynamic_route_configs ?? []).map(({ version_info: version = '' }) => version);
    return {
      clusters: this.#clusters.version_info ?? '',
      listeners: this.#listeners.version_info ?? '',
      routes: routes.reduce((newest, one) => (newest === '' || isNewerPush(one, newest) ? one : newest), ''),
    };
  }

  /**
   * The listener that takes an outbound connection to this address and port: the one bound to the very address, else
   * the wildcard of the port. Istio binds HTTP ports to 0.0.0.0 and TCP ports to the service's address.
   */
  listenerFor(address: string, port: number): Listener | undefined {
    const bound = this.listeners.filter(({ address: at }) => at?.socket_address?.port_value === port);
    return (
      bound.find(({ address: at }) => at?.socket_address?.address === address) ??
      bound.find(({ address: at }) => at?.socket_address?.address === '0.0.0.0')
    );
  }

  /** The listener on a port that leads to a cluster, by a connection or by a route. */
  listenerLeadingTo(cluster: string, port: number): Listener | undefined {
    return this.listeners
      .filter(({ address: at }) => at?.socket_address?.port_value === port)
      .find(
        (listener) =>
          this.tcpTargetsOf(listener).includes(cluster) ||
          (this.routeConfigOf(listener)?.virtual_hosts ?? []).some((host) => clustersOf(host).includes(cluster)),
      );
  }

  listenerOn(port: number): Listener | undefined {
    return this.listeners.find(({ address }) => address?.socket_address?.port_value === port);
  }

  /** The route configuration that a listener's HTTP filter uses, whether inline or by RDS. */
  routeConfigOf(listener: Listener): RouteConfig | undefined {
    const filters = filterChainsOf(listener).flatMap((chain) => chain.filters ?? []);
    for (const { typed_config: config } of filters) {
      if (config?.route_config !== undefined) return config.route_config;
      const name = config?.rds?.route_config_name;
      if (name !== undefined) return this.routeConfigs.find((candidate) => candidate.name === name);
    }
    return undefined;
  }

  /** The clusters that a listener leads whole connections to, without looking at requests. */
  tcpTargetsOf(listener: Listener): string[] {
    return filterChainsOf(listener).flatMap((chain) => tcpClusterOf(chain) ?? []);
  }

  /**
   * How a sidecar treats an outbound connection to this address and port: as HTTP, by routes; as TCP, by the connection
   * alone; or not at all.
   */
  protocolOf(address: string, port: number): 'HTTP' | 'TCP' | undefined {
    const listener = this.listenerFor(address, port);
    if (listener === undefined) return undefined;
    return this.routeConfigOf(listener) === undefined ? 'TCP' : 'HTTP';
  }

  /**
   * The virtual host that answers for a Host header, by Envoy's rule: exact domain, then the longest suffix wildcard,
   * then `*`.
   */
  virtualHostFor(config: RouteConfig, host: string): VirtualHost | undefined {
    const hosts = config.virtual_hosts ?? [];
    const exact = hosts.find(({ domains }) => domains.includes(host));
    if (exact !== undefined) return exact;
    const suffixes = hosts.flatMap((candidate) =>
      candidate.domains
        .filter((domain) => domain.startsWith('*.') && host.endsWith(domain.slice(1)))
        .map((domain) => ({ candidate, length: domain.length })),
    );
    suffixes.sort((a, b) => b.length - a.length);
    return suffixes[0]?.candidate ?? hosts.find(({ domains }) => domains.includes('*'));
  }

  cluster(name: string): Cluster | undefined {
    return this.clusters.find((cluster) => cluster.name === name);
  }

  /** Endpoints of a cluster: from EDS, or from its own assignment where DNS or a fixed list gives them. */
  endpointsOf(cluster: Cluster): Endpoint[] {
    const service = cluster.eds_cluster_config?.service_name ?? cluster.name;
    const assignments = [
      ...(this.#endpoints?.dynamic_endpoint_configs ?? []),
      ...(this.#endpoints?.static_endpoint_configs ?? []),
    ].map(({ endpoint_config }) => endpoint_config);
    const assignment =
      cluster.type === 'EDS'
        ? assignments.find(({ cluster_name }) => cluster_name === service)
        : cluster.load_assignment;
    return assignment === undefined ? [] : flatten(assignment);
  }

  /** Each endpoint of a cluster with its priority. Empty without such a cluster. */
  prioritiesOf(name: string): Record<string, number> {
    const cluster = this.cluster(name);
    return Object.fromEntries(
      cluster === undefined
        ? []
        : this.endpointsOf(cluster).map((endpoint) => [endpointName(endpoint), endpoint.priority]),
    );
  }

  /**
   * The TLS that a cluster starts: its own transport socket, or the one that auto mTLS chooses by the label of an
   * endpoint. An endpoint without the label `security.istio.io/tlsMode: istio` is called in plain text, however ready
   * the cluster is for mutual TLS.
   */
  upstreamTls(cluster: Cluster): UpstreamTls | undefined {
    const chosen = (): typeof cluster.transport_socket =>
      this.endpointsOf(cluster).some(({ tlsMode }) => tlsMode === 'istio')
        ? cluster.transport_socket_matches?.find(({ name }) => name === 'tlsMode-istio')?.transport_socket
        : undefined;
    const socket = cluster.transport_socket ?? chosen();
    const config = socket?.typed_config;
    if (config?.['@type'].endsWith('.UpstreamTlsContext') !== true) return undefined;
    const tls = config.common_tls_context;
    const combined = tls?.combined_validation_context;
    const names = combined?.default_validation_context?.match_typed_subject_alt_names ?? [];
    return {
      sni: config.sni,
      alpn: tls?.alpn_protocols ?? [],
      presents: (tls?.tls_certificate_sds_secret_configs ?? []).map(({ name }) => name),
      trusts: combined?.validation_context_sds_secret_config?.name ?? tls?.validation_context_sds_secret_config?.name,
      acceptedIdentities: names.flatMap(({ matcher }) => matcher.exact ?? matcher.prefix ?? []),
    };
  }

  /** Whether a cluster speaks HTTP/2 to its endpoints, whatever its clients speak; false when there is none. */
  speaksHttp2(name: string): boolean {
    const options = Object.values(this.cluster(name)?.typed_extension_protocol_options ?? {});
    return options.some(({ explicit_http_config: http }) => http?.http2_protocol_options !== undefined);
  }

  /** The filter chain of a port that matches an SNI by name; Envoy prefers the exact name over wildcards. */
  filterChainFor(port: number, sni: string): FilterChain | undefined {
    const chains = this.listenerOn(port)?.filter_chains ?? [];
    return (
      chains.find(({ filter_chain_match: match }) => match?.server_names?.includes(sni) === true) ??
      chains.find(
        ({ filter_chain_match: match }) =>
          match?.server_names?.some((name) => name.startsWith('*.') && sni.endsWith(name.slice(1))) === true,
      )
    );
  }

  /**
   * Whether a sidecar lets plain text in to a port of its workload. Envoy looks for the port first, and only among
   * chains of that port for the transport; those without a port are for the ports that nobody declared.
   */
  takesPlainText(port: number): boolean {
    const chains = this.listeners.find(({ name }) => name === 'virtualInbound')?.filter_chains ?? [];
    const at = (wanted: number | undefined): FilterChain[] =>
      chains.filter(({ filter_chain_match: match }) => match?.destination_port === wanted);
    const [own, others] = [at(port), at(undefined)];
    return (own.length > 0 ? own : others).some(({ filter_chain_match: match }) => match?.transport_protocol !== 'tls');
  }

  /**
   * The configuration as sorted lines, one for each listener, filter chain, virtual host and cluster with its
   * endpoints: two inventories are equal when the proxy would treat traffic the same. Versions, hashes and times are
   * left out.
   */
  inventory(): string[] {
    const chains = this.listeners.flatMap(({ name, filter_chains = [] }) =>
      filter_chains.map(
        ({ filter_chain_match: match }) => `listener ${name} chain ${match?.server_names?.join(',') ?? '*'}`,
      ),
    );
    const hosts = this.routeConfigs.flatMap(({ name = 'inline', virtual_hosts = [] }) =>
      virtual_hosts.map((host) => `route ${name} host ${host.domains.join(',')} → ${clustersOf(host).join(',')}`),
    );
    const clusters = this.clusters.map(
      (cluster) => `cluster ${cluster.name} → ${this.endpointsOf(cluster).map(endpointName).sort().join(',')}`,
    );
    return [...chains, ...hosts, ...clusters].sort();
  }

  /** The virtual hosts whose routes lead to a cluster. */
  routesTo(cluster: string): VirtualHost[] {
    return this.routeConfigs
      .flatMap((config) => config.virtual_hosts ?? [])
      .filter((virtualHost) => clustersOf(virtualHost).includes(cluster));
  }

  /** The weight of each subset in a service's weighted route; empty when no route of it is weighted. */
  weightsOf(host: string, port: number): Record<string, number> {
    const shares = this.#sharesWhere(({ domains }) => domains.includes(host));
    return Object.fromEntries(
      shares.flatMap(([name, weight]) => {
        const [, at, subset = '', service] = name.split('|');
        return at === String(port) && service === host ? [[subset, weight]] : [];
      }),
    );
  }

  /** Cluster → share, in percent, of the calls to a host that no other route of it takes: of its weighted routes. */
  splitOf(host: string, port: number): Record<string, number> {
    return Object.fromEntries(this.#sharesWhere(({ name }) => name === `${host}:${port}`));
  }

  /** Cluster and share of each weighted route of some virtual hosts. */
  #sharesWhere(wanted: (host: VirtualHost) => boolean): (readonly [cluster: string, share: number])[] {
    const hosts = this.routeConfigs.flatMap(({ virtual_hosts: all = [] }) => all).filter(wanted);
    const routes = hosts.flatMap(({ routes: own = [] }) => own);
    const weighted = routes.flatMap(({ route }) => route?.weighted_clusters?.clusters ?? []);
    return weighted.map(({ name, weight = 0 }) => [name, weight]);
  }

  /**
   * SNI and endpoints of a service's outbound cluster, or of one of its subsets; undefined when there is no such
   * cluster.
   */
  outbound(
    host: string,
    port: number,
    subset = '',
  ): { readonly sni: string | undefined; readonly endpoints: readonly string[] } | undefined {
    const cluster = this.cluster(`outbound|${port}|${subset}|${host}`);
    return cluster === undefined
      ? undefined
      : { sni: this.upstreamTls(cluster)?.sni, endpoints: this.endpointsOf(cluster).map(endpointName) };
  }

  /** All SNIs that a port answers to. */
  serverNames(port: number): string[] {
    return (this.listenerOn(port)?.filter_chains ?? []).flatMap(
      ({ filter_chain_match: match }) => match?.server_names ?? [],
    );
  }

  /** The certificates of a secret, leaf first; `default` is the workload's own, `ROOTCA` what it trusts. */
  certificatesOf(secretName: string): CertificateView[] {
    const bytes = this.#bytesOf(secretName);
    return bytes === undefined ? [] : pemsIn(bytes).map(viewCertificate);
  }

  /**
   * What is missing between a secret's leaf and a root: a certificate that the next one did not sign, or the root
   * itself, each as a sentence. Empty when the chain is whole.
   */
  chainGaps(secretName: string, rootName: string): string[] {
    const [chain, roots] = [secretName, rootName].map((name) => this.#x509Of(name)) as [
      X509Certificate[],
      X509Certificate[],
    ];
    if (chain.length < 2)
      return [`${secretName} has ${chain.length} certificates: a leaf and an intermediate are the least`];
    return chain.flatMap((certificate, index) => {
      const next = chain[index + 1];
      const isRoot = roots.some(({ fingerprint256 }) => fingerprint256 === certificate.fingerprint256);
      const signers = next === undefined ? roots : [next];
      return isRoot || signers.some(({ publicKey }) => certificate.verify(publicKey))
        ? []
        : [
            `certificate ${index + 1} of ${secretName} (${certificate.issuer.replaceAll('\n', ', ')}) is not ` +
              'signed by the next one',
          ];
    });
  }

  #bytesOf(secretName: string): string | undefined {
    const secret = [...(this.#secrets?.dynamic_active_secrets ?? []), ...(this.#secrets?.static_secrets ?? [])].find(
      ({ name }) => name === secretName,
    )?.secret;
    return (
      secret?.tls_certificate?.certificate_chain?.inline_bytes ?? secret?.validation_context?.trusted_ca?.inline_bytes
    );
  }

  #x509Of(secretName: string): X509Certificate[] {
    const bytes = this.#bytesOf(secretName);
    return bytes === undefined ? [] : pemsIn(bytes).map((pem) => new X509Certificate(pem));
  }

  /** Names of the secrets that the proxy has. */
  get secretNames(): string[] {
    return [...(this.#secrets?.static_secrets ?? []), ...(this.#secrets?.dynamic_active_secrets ?? [])]
      .map(({ name }) => name)
      .sort();
  }

  /** Names of what is still warming: configured, not yet serving. */
  get warming(): string[] {
    return [
      ...(this.#clusters.dynamic_warming_clusters ?? []).map(({ cluster }) => `cluster ${cluster.name}`),
      ...(this.#listeners.dynamic_listeners ?? [])
        .filter(({ warming_state }) => warming_state !== undefined)
        .map(({ name }) => `listener ${name}`),
      ...(this.#secrets?.dynamic_warming_secrets ?? []).map(({ name }) => `secret ${name}`),
    ];
  }

  /** What the proxy refused and why, in Envoy's words. */
  get rejections(): Rejection[] {
    const told = (resource: string, state: { details?: string | undefined } | undefined): Rejection[] =>
      state === undefined ? [] : [{ resource, details: state.details ?? 'no details' }];
    return [
      ...(this.#listeners.dynamic_listeners ?? []).flatMap(({ name, error_state }) =>
        told(`listener ${name}`, error_state),
      ),
      ...(this.#clusters.dynamic_active_clusters ?? []).flatMap(({ cluster, error_state }) =>
        told(`cluster ${cluster.name}`, error_state),
      ),
      ...(this.#routes.dynamic_route_configs ?? []).flatMap(({ route_config, error_state }) =>
        told(`route ${route_config.name ?? ''}`, error_state),
      ),
    ];
  }
}

/** All filter chains of a listener, the default one last. */
export const filterChainsOf = ({ filter_chains: chains = [], default_filter_chain: last }: Listener): FilterChain[] =>
  last === undefined ? chains : [...chains, last];

/** The cluster names that a virtual host's routes lead to, in order, weighted ones included. */
export function clustersOf(virtualHost: VirtualHost): string[] {
  return (virtualHost.routes ?? []).flatMap(({ route }) =>
    route?.cluster === undefined ? (route?.weighted_clusters?.clusters.map(({ name }) => name) ?? []) : [route.cluster],
  );
}

/** The cluster that a filter chain's TCP proxy leads to. */
export function tcpClusterOf(chain: FilterChain): string | undefined {
  return chain.filters?.find(({ typed_config: config }) => config?.['@type'].endsWith('.TcpProxy') === true)
    ?.typed_config?.cluster;
}

export const endpointName = ({ address, port }: Endpoint): string => `${address}:${port}`;

function flatten(assignment: LoadAssignment): Endpoint[] {
  return (assignment.endpoints ?? []).flatMap(({ lb_endpoints = [], priority = 0 }) =>
    lb_endpoints.flatMap(({ endpoint, metadata, health_status = 'HEALTHY' }) => {
      const socket = endpoint?.address.socket_address;
      if (socket === undefined) return [];
      const tlsMode = metadata?.filter_metadata?.['envoy.transport_socket_match']?.['tlsMode'];
      return [
        {
          address: socket.address,
          port: socket.port_value ?? 0,
          health: health_status,
          priority,
          ...(typeof tlsMode === 'string' ? { tlsMode } : {}),
        },
      ];
    }),
  );
}

const pemsIn = (bytes: string): string[] =>
  Buffer.from(bytes, 'base64')
    .toString('utf8')
    .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];

function viewCertificate(pem: string): CertificateView {
  const certificate = new X509Certificate(pem);
  return {
    // A workload's certificate has no subject: its name is the SPIFFE identity. Node then gives undefined, against its
    // own types.
    subject: ((certificate.subject as string | undefined) ?? '').replaceAll('\n', ', '),
    issuer: certificate.issuer.replaceAll('\n', ', '),
    identities: (certificate.subjectAltName ?? '')
      .split(', ')
      .filter((name) => name.startsWith('URI:'))
      .map((name) => name.slice(4)),
    notAfter: new Date(certificate.validTo),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

function optional<Key extends keyof typeof sections>(
  dump: z.infer<typeof configDumpSchema>,
  key: Key,
  origin: string,
): Section<Key> | undefined {
  const schema = sections[key];
  const type = schema.shape['@type'].value;
  const raw = dump.configs.find((section) => section['@type'] === type);
  if (raw === undefined) return undefined;
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw notUnderstood(origin, type.split('.').at(-1) ?? type, parsed.error);
  return parsed.data as Section<Key>;
}

function required<Key extends keyof typeof sections>(
  dump: z.infer<typeof configDumpSchema>,
  key: Key,
  origin: string,
): Section<Key> {
  const section = optional(dump, key, origin);
  if (section !== undefined) return section;
  throw new MeshproofError('MP703', {
    what: `the config dump has no ${key}`,
    where: origin,
    seen: dump.configs.map((one) => one['@type'].split('.').at(-1)).join(', '),
  });
}

function notUnderstood(origin: string, section: string, error: z.ZodError): MeshproofError {
  const [issue] = error.issues;
  return new MeshproofError('MP703', {
    what: `the ${section} of the config dump does not have the modelled shape`,
    where: origin,
    expected: issue?.message,
    seen: `at ${issue?.path.join('.') ?? ''}`,
  });
}
