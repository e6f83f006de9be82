/**
 * What of the world outside may be written down by its name. Whatever is not listed here, a header say that some team
 * made up for its own tokens, keeps its name and loses its value.
 */
const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** HTTP headers, and Envoy's pseudo headers, whose values claims and reports speak about. Lower case. */
const headers = words(`
  :authority :method :path :protocol :scheme :status
  accept accept-encoding access-control-allow-credentials access-control-allow-headers access-control-allow-methods
  access-control-allow-origin access-control-expose-headers access-control-max-age age allow cache-control
  connection content-encoding
  content-length content-type date etag expires grpc-message grpc-status host last-modified location retry-after
  server
  strict-transport-security te transfer-encoding upgrade user-agent vary via
  x-envoy-attempt-count x-envoy-decorator-operation x-envoy-degraded x-envoy-expected-rq-timeout-ms
  x-envoy-external-address
  x-envoy-immediate-health-check-fail x-envoy-internal x-envoy-is-timeout-retry x-envoy-original-path
  x-envoy-overloaded
  x-envoy-ratelimited x-envoy-upstream-rq-timeout-ms x-envoy-upstream-service-time
  x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-request-id x-version
`);

/** Annotations; a name that ends with a slash stands for all of its domain. */
const annotations = [
  ...words(`
  istio.io/ kubernetes.io/config. networking.istio.io/ proxy.istio.io/ sidecar.istio.io/ traffic.istio.io/
  topology.istio.io/
  inject.istio.io/ metallb.io/ metallb.universe.tf/ meshproof/ prometheus.io/ deployment.kubernetes.io/
  node.alpha.kubernetes.io/
  volumes.kubernetes.io/ kubectl.kubernetes.io/default-container kubectl.kubernetes.io/default-logs-container
  kubectl.kubernetes.io/restartedAt
`),
];

/** Environment variables of containers, and what Istio's agent makes of them. */
const variables = words(`
  CA_ADDR CA_TRUSTED_NODE_ACCOUNTS CLUSTER_ID ENABLE_AUTO_SNI GOMAXPROCS GOMEMLIMIT HOST_IP INSTANCE_IP
  ISTIO_CPU_LIMIT
  ISTIO_META_APP_CONTAINERS ISTIO_META_CLUSTER_ID ISTIO_META_DNS_AUTO_ALLOCATE ISTIO_META_DNS_CAPTURE
  ISTIO_META_INTERCEPTION_MODE
  ISTIO_META_MESH_ID ISTIO_META_NETWORK ISTIO_META_NODE_NAME ISTIO_META_OWNER ISTIO_META_POD_PORTS
  ISTIO_META_REQUESTED_NETWORK_VIEW
  ISTIO_META_ROUTER_MODE ISTIO_META_UNPRIVILEGED_POD ISTIO_META_WORKLOAD_NAME JWT_POLICY KUBECONFIG NODE_NAME
  PILOT_CERT_PROVIDER
  PILOT_DISABLE_MX_ALPN PILOT_ENABLE_ALPN_FILTER PILOT_ENABLE_ANALYSIS PILOT_ENABLE_METADATA_EXCHANGE
  PILOT_TRACE_SAMPLING PLATFORM
  POD_NAME POD_NAMESPACE PROXY_CONFIG REVISION SERVICE_ACCOUNT SRV_READ_HEADER_TIMEOUT SRV_READ_TIMEOUT
  TRUST_DOMAIN USE_REAL_HOSTNAME
`);

/**
 * Metadata that a proxy sends about itself (istio: pkg/model/proxy.go, NodeMetadata). ISTIO_META_ variables of any name
 * come there too.
 */
const nodeMetadata = words(`
  ANNOTATIONS APP_CONTAINERS AUTO_REGISTER_GROUP CLUSTER_ID DNS_AUTO_ALLOCATE DNS_CAPTURE ENVOY_PROMETHEUS_PORT
  ENVOY_SKIP_DEPRECATED_LOGS
  ENVOY_STATUS_PORT GENERATOR HTTP10 INSTANCE_IPS INTERCEPTION_MODE ISTIO_PROXY_SHA ISTIO_VERSION LABELS MESH_ID
  METADATA_DISCOVERY NAME
  NAMESPACE NETWORK NODE_NAME OWNER PILOT_SAN POD_PORTS PROXY_CONFIG REQUESTED_NETWORK_VIEW ROUTER_MODE
  SERVICE_ACCOUNT UNPRIVILEGED_POD
  WORKLOAD_IDENTITY_SOCKET_FILE WORKLOAD_NAME
`);

/**
 * Envoy's filters and extensions whose configuration is known to hold no program, template or credential of somebody's
 * own.
 */
const extensions = words(`
  BootstrapConfigDump ClustersConfigDump EndpointsConfigDump ListenersConfigDump RoutesConfigDump
  ScopedRoutesConfigDump SecretsConfigDump
  EcdsConfigDump
  Bootstrap Cluster ClusterLoadAssignment Listener RouteConfiguration Secret VirtualHost ScopedRouteConfiguration
  FileAccessLog StderrAccessLog StdoutAccessLog
  Brotli Compressor Cors Gzip Zstd HTTPFault FilterConfig Router HttpConnectionManager HttpProtocolOptions
  TcpProxy RBAC RBACPerRoute
  OriginalDst TlsInspector HttpInspector ProxyProtocol ConnectionLimit LocalRateLimit SniCluster
  RawBuffer UpstreamTlsContext DownstreamTlsContext QuicDownstreamTransport InternalUpstreamTransport
  UpstreamProxyProtocolConfig
  CaresDnsResolverConfig GetAddrInfoDnsResolverConfig DownstreamConnectionsConfig UuidRequestIdConfig
  PreviousHostsPredicate
  PreviousPrioritiesConfig OmitCanaryHostsPredicate RoundRobin LeastRequest Random RingHash Maglev
  ClientSideWeightedRoundRobin
  OriginalDstLbConfig WrrLocality
`);

/** Metadata of Envoy's resources that Istio gives. */
const filterMetadata = words('istio envoy.transport_socket_match envoy.lb');

/** Fields of an access log line: Istio's default format (istio: pilot/pkg/model/telemetry_logging.go). */
const accessLog = words(`
  authority bytes_received bytes_sent connection_termination_details downstream_local_address
  downstream_remote_address duration method path
  protocol request_id requested_server_name response_code response_code_details response_flags route_name
  start_time upstream_cluster
  upstream_host upstream_local_address upstream_service_time upstream_transport_failure_reason user_agent
  x_forwarded_for
`);

/** Parameters of Envoy's admin interface, which are part of what is asked. */
const parameters = words('filter format include_eds mask name_regex resource usedonly');

export const isAllowed = {
  header: (name: string): boolean => headers.has(name.toLowerCase()),
  annotation: (name: string): boolean =>
    annotations.some((known) => name === known || (/[/.]$/.test(known) && name.startsWith(known))),
  variable: (name: string): boolean => variables.has(name),
  nodeMetadata: (name: string): boolean => nodeMetadata.has(name),
  /** @param type "type.googleapis.com/envoy.config.cluster.v3.Cluster" */
  extension: (type: string): boolean =>
    /\/envoy\.(admin|config|extensions)\./.test(type) && extensions.has(type.slice(type.lastIndexOf('.') + 1)),
  filterMetadata: (name: string): boolean => filterMetadata.has(name),
  accessLogField: (name: string): boolean => accessLog.has(name),
  parameter: (name: string): boolean => parameters.has(name),
} as const;
