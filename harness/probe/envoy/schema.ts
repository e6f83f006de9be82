import { z } from 'zod';

/**
 * The parts of Envoy's `/config_dump?include_eds` that claims speak about. Objects are loose: Envoy may say more than
 * is modelled, and a field that is modelled must have the modelled shape. Sources: envoy/admin/v3/config_dump.proto and
 * the listener, route, cluster and endpoint messages of envoy/config/*\/v3.
 */
const socketAddress = z.looseObject({ address: z.string(), port_value: z.number().optional() });
export const addressSchema = z.looseObject({
  socket_address: socketAddress.optional(),
  pipe: z.looseObject({ path: z.string() }).optional(),
  envoy_internal_address: z.looseObject({ server_listener_name: z.string().optional() }).optional(),
});

const sdsConfig = z.looseObject({ name: z.string() });
const stringMatch = z.looseObject({
  exact: z.string().optional(),
  prefix: z.string().optional(),
  suffix: z.string().optional(),
});
const validationContext = z.looseObject({
  match_typed_subject_alt_names: z.array(z.looseObject({ san_type: z.string(), matcher: stringMatch })).optional(),
});
const commonTls = z.looseObject({
  alpn_protocols: z.array(z.string()).optional(),
  tls_certificate_sds_secret_configs: z.array(sdsConfig).optional(),
  validation_context_sds_secret_config: sdsConfig.optional(),
  combined_validation_context: z
    .looseObject({
      default_validation_context: validationContext.optional(),
      validation_context_sds_secret_config: sdsConfig.optional(),
    })
    .optional(),
});
const transportSocket = z.looseObject({
  name: z.string(),
  typed_config: z
    .looseObject({
      '@type': z.string(),
      sni: z.string().optional(),
      common_tls_context: commonTls.optional(),
      require_client_certificate: z.boolean().optional(),
    })
    .optional(),
});

const lbEndpoint = z.looseObject({
  endpoint: z.looseObject({ address: addressSchema }).optional(),
  metadata: z
    .looseObject({ filter_metadata: z.record(z.string(), z.record(z.string(), z.unknown())).optional() })
    .optional(),
  health_status: z.string().optional(),
  load_balancing_weight: z.number().optional(),
});
export const loadAssignmentSchema = z.looseObject({
  cluster_name: z.string(),
  endpoints: z
    .array(
      z.looseObject({
        locality: z
          .looseObject({ region: z.string().optional(), zone: z.string().optional(), sub_zone: z.string().optional() })
          .optional(),
        lb_endpoints: z.array(lbEndpoint).optional(),
        priority: z.number().optional(),
      }),
    )
    .optional(),
});

/** Of `envoy.extensions.upstreams.http.v3.HttpProtocolOptions`: which HTTP a cluster speaks to its endpoints. */
const httpOptions = z.looseObject({
  explicit_http_config: z.looseObject({ http2_protocol_options: z.looseObject({}).optional() }).optional(),
});

export const clusterSchema = z.looseObject({
  name: z.string(),
  type: z.string().optional(),
  eds_cluster_config: z.looseObject({ service_name: z.string().optional() }).optional(),
  load_assignment: loadAssignmentSchema.optional(),
  typed_extension_protocol_options: z.record(z.string(), httpOptions).optional(),
  transport_socket: transportSocket.optional(),
  transport_socket_matches: z.array(z.looseObject({ name: z.string(), transport_socket: transportSocket })).optional(),
});

const weightedClusters = z.looseObject({
  clusters: z.array(z.looseObject({ name: z.string(), weight: z.number().optional() })),
});
const routeSchema = z.looseObject({
  match: z.looseObject({
    prefix: z.string().optional(),
    path: z.string().optional(),
    headers: z.array(z.looseObject({ name: z.string() })).optional(),
  }),
  route: z.looseObject({ cluster: z.string().optional(), weighted_clusters: weightedClusters.optional() }).optional(),
  direct_response: z.looseObject({ status: z.number() }).optional(),
});
export const virtualHostSchema = z.looseObject({
  name: z.string(),
  domains: z.array(z.string()),
  routes: z.array(routeSchema).optional(),
});
export const routeConfigSchema = z.looseObject({
  name: z.string().optional(),
  virtual_hosts: z.array(virtualHostSchema).optional(),
});

const filterSchema = z.looseObject({
  name: z.string(),
  typed_config: z
    .looseObject({
      '@type': z.string(),
      cluster: z.string().optional(),
      weighted_clusters: weightedClusters.optional(),
      rds: z.looseObject({ route_config_name: z.string() }).optional(),
      route_config: routeConfigSchema.optional(),
    })
    .optional(),
});
export const filterChainSchema = z.looseObject({
  name: z.string().optional(),
  filter_chain_match: z
    .looseObject({
      server_names: z.array(z.string()).optional(),
      application_protocols: z.array(z.string()).optional(),
      transport_protocol: z.string().optional(),
      destination_port: z.number().optional(),
    })
    .optional(),
  filters: z.array(filterSchema).optional(),
  transport_socket: transportSocket.optional(),
});
export const listenerSchema = z.looseObject({
  name: z.string(),
  address: addressSchema.optional(),
  filter_chains: z.array(filterChainSchema).optional(),
  default_filter_chain: filterChainSchema.optional(),
  traffic_direction: z.string().optional(),
});

export const secretSchema = z.looseObject({
  name: z.string(),
  tls_certificate: z
    .looseObject({ certificate_chain: z.looseObject({ inline_bytes: z.string().optional() }).optional() })
    .optional(),
  validation_context: z
    .looseObject({ trusted_ca: z.looseObject({ inline_bytes: z.string().optional() }).optional() })
    .optional(),
});

const failureState = z.looseObject({ details: z.string().optional(), last_update_attempt: z.string().optional() });
const version = { version_info: z.string().optional() };
const listenerState = z.looseObject({ ...version, listener: listenerSchema });
const dynamicCluster = z.looseObject({ ...version, cluster: clusterSchema, error_state: failureState.optional() });
const dynamicSecret = z.looseObject({ name: z.string(), secret: secretSchema.optional() });

const typed = <Name extends string, Shape extends z.core.$ZodLooseShape>(name: Name, shape: Shape) =>
  z.looseObject({ '@type': z.literal(`type.googleapis.com/envoy.admin.v3.${name}`), ...shape });

const clustersDump = typed('ClustersConfigDump', {
  ...version,
  static_clusters: z.array(z.looseObject({ cluster: clusterSchema })).optional(),
  dynamic_active_clusters: z.array(dynamicCluster).optional(),
  dynamic_warming_clusters: z.array(dynamicCluster).optional(),
});
const listenersDump = typed('ListenersConfigDump', {
  ...version,
  static_listeners: z.array(z.looseObject({ listener: listenerSchema })).optional(),
  dynamic_listeners: z
    .array(
      z.looseObject({
        name: z.string(),
        active_state: listenerState.optional(),
        warming_state: listenerState.optional(),
        error_state: failureState.optional(),
      }),
    )
    .optional(),
});
const routesDump = typed('RoutesConfigDump', {
  static_route_configs: z.array(z.looseObject({ route_config: routeConfigSchema })).optional(),
  dynamic_route_configs: z
    .array(z.looseObject({ ...version, route_config: routeConfigSchema, error_state: failureState.optional() }))
    .optional(),
});
const endpointsDump = typed('EndpointsConfigDump', {
  static_endpoint_configs: z.array(z.looseObject({ endpoint_config: loadAssignmentSchema })).optional(),
  dynamic_endpoint_configs: z.array(z.looseObject({ ...version, endpoint_config: loadAssignmentSchema })).optional(),
});
const secretsDump = typed('SecretsConfigDump', {
  static_secrets: z.array(dynamicSecret).optional(),
  dynamic_active_secrets: z.array(dynamicSecret).optional(),
  dynamic_warming_secrets: z.array(dynamicSecret).optional(),
});
const bootstrapDump = typed('BootstrapConfigDump', {
  bootstrap: z.looseObject({
    node: z
      .looseObject({
        id: z.string().optional(),
        cluster: z.string().optional(),
        metadata: z.looseObject({ CLUSTER_ID: z.string().optional() }).optional(),
      })
      .optional(),
  }),
});

export const sections = { bootstrapDump, clustersDump, listenersDump, routesDump, endpointsDump, secretsDump };
/** The whole dump: a list of typed sections; sections that claims never ask for stay unread. */
export const configDumpSchema = z.object({ configs: z.array(z.looseObject({ '@type': z.string() })) });

export type Cluster = z.infer<typeof clusterSchema>;
export type Listener = z.infer<typeof listenerSchema>;
export type FilterChain = z.infer<typeof filterChainSchema>;
export type VirtualHost = z.infer<typeof virtualHostSchema>;
export type RouteConfig = z.infer<typeof routeConfigSchema>;
export type Route = z.infer<typeof routeSchema>;
export type LoadAssignment = z.infer<typeof loadAssignmentSchema>;
export type Secret = z.infer<typeof secretSchema>;
