import type { Fault, Injection } from '../fault.ts';
import { envoyFilter, gatewaySelector, networking, odd, security } from './made.ts';

const namespace = 'security-server';
const filtering = (place: string, spec: object): Injection => ({ add: envoyFilter(place, spec) });
const tcpProxy = (cluster: string): object => ({
  name: 'envoy.filters.network.tcp_proxy',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    stat_prefix: 'fault',
    cluster,
  },
});
const downstreamTls = (context: object): object => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    ...context,
  },
});
/** The proxy's own certificate, as istiod hands it out. */
const ownCertificate = {
  name: 'default',
  sds_config: {
    resource_api_version: 'V3',
    initial_fetch_timeout: '0s',
    api_config_source: {
      api_type: 'GRPC',
      transport_api_version: 'V3',
      set_node_on_first_message_only: true,
      grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
    },
  },
};
/** Port of the server's container, by which its sidecar tells filter chains apart. */
const served = 8080;
const noticedBy = ['security'];
/** Name under which the gateway knows the server: of a cluster, and as an SNI. */
const sni = `outbound_.8000_._.httpbin.${namespace}.global`;

/** What lets in whom the mesh must refuse, or refuses who belongs to it. */
export const securityFaults: readonly Fault[] = [
  {
    id: 'security-denies-members',
    breaks: 'an AuthorizationPolicy at the server refuses every member of the mesh',
    at: 'server',
    inject: { add: odd(security, 'AuthorizationPolicy', namespace, { action: 'DENY', rules: [{}] }) },
    cause: [`AuthorizationPolicy ${namespace}/fault`],
    noticedBy,
    kills: ['security: member-served'],
  },
  {
    // Behind it the server's own sidecar takes plain text as well, as long as no PeerAuthentication is STRICT.
    id: 'security-takes-plain-text',
    breaks: 'an EnvoyFilter makes the server’s gateway pass plain text on from 15443',
    at: 'server',
    inject: filtering('istio-system', {
      workloadSelector: { labels: gatewaySelector },
      configPatches: [
        {
          applyTo: 'FILTER_CHAIN',
          match: { context: 'GATEWAY', listener: { portNumber: 15443 } },
          patch: {
            operation: 'ADD',
            value: {
              name: 'fault',
              filter_chain_match: { transport_protocol: 'raw_buffer' },
              filters: [tcpProxy(sni)],
            },
          },
        },
      ],
    }),
    cause: ['EnvoyFilter istio-system/fault'],
    noticedBy,
    kills: ['security: plain-text-refused'],
  },
  {
    id: 'security-trusts-every-root',
    breaks: 'an EnvoyFilter makes the server’s sidecar accept certificates of every root',
    at: 'server',
    inject: filtering(namespace, {
      configPatches: [
        {
          applyTo: 'FILTER_CHAIN',
          match: { context: 'SIDECAR_INBOUND', listener: { filterChain: { transportProtocol: 'tls' } } },
          patch: {
            operation: 'MERGE',
            value: {
              transport_socket: downstreamTls({
                common_tls_context: {
                  combined_validation_context: {
                    default_validation_context: { trust_chain_verification: 'ACCEPT_UNTRUSTED' },
                  },
                },
              }),
            },
          },
        },
      ],
    }),
    cause: [`EnvoyFilter ${namespace}/fault`],
    noticedBy,
    kills: ['security: other-root-refused'],
  },
  {
    // A merge cannot unset what asks for the certificate, so the chain is made anew.
    id: 'security-asks-nobody',
    breaks: 'an EnvoyFilter makes the server’s sidecar ask nobody for a certificate',
    at: 'server',
    inject: filtering(namespace, {
      configPatches: [
        {
          applyTo: 'FILTER_CHAIN',
          match: {
            context: 'SIDECAR_INBOUND',
            listener: { filterChain: { transportProtocol: 'tls', destinationPort: served } },
          },
          patch: { operation: 'REMOVE' },
        },
        {
          applyTo: 'FILTER_CHAIN',
          match: { context: 'SIDECAR_INBOUND', listener: { name: 'virtualInbound' } },
          patch: {
            operation: 'ADD',
            value: {
              name: 'fault',
              filter_chain_match: {
                destination_port: served,
                transport_protocol: 'tls',
                application_protocols: ['istio', 'istio-peer-exchange', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2'],
              },
              transport_socket: downstreamTls({
                common_tls_context: {
                  alpn_protocols: ['http/1.1'],
                  tls_certificate_sds_secret_configs: [ownCertificate],
                },
              }),
              filters: [tcpProxy(`inbound|${served}||`)],
            },
          },
        },
      ],
    }),
    cause: [`EnvoyFilter ${namespace}/fault`],
    noticedBy,
    kills: ['security: no-certificate-refused'],
  },
  {
    id: 'security-chain-of-any-protocol',
    breaks: 'an EnvoyFilter makes the server’s gateway pass TLS of any kind on, not only Istio’s own',
    at: 'server',
    inject: filtering('istio-system', {
      workloadSelector: { labels: gatewaySelector },
      configPatches: [
        {
          applyTo: 'FILTER_CHAIN',
          match: { context: 'GATEWAY', listener: { portNumber: 15443, filterChain: { sni } } },
          patch: { operation: 'REMOVE' },
        },
        {
          applyTo: 'FILTER_CHAIN',
          match: { context: 'GATEWAY', listener: { portNumber: 15443 } },
          patch: {
            operation: 'ADD',
            value: { name: 'fault', filter_chain_match: { server_names: [sni] }, filters: [tcpProxy(sni)] },
          },
        },
      ],
    }),
    cause: ['EnvoyFilter istio-system/fault'],
    noticedBy,
    kills: ['security: other-hosts-hidden'],
  },
  {
    id: 'security-serves-nobody',
    breaks: 'a ServiceEntry at the server leads a host that nobody declared to its pods',
    at: 'server',
    inject: {
      add: odd(networking, 'ServiceEntry', namespace, {
        hosts: [`nobody.${namespace}.global`],
        location: 'MESH_INTERNAL',
        ports: [{ name: 'http', number: 8000, protocol: 'HTTP' }],
        resolution: 'STATIC',
        workloadSelector: { labels: { app: 'httpbin' } },
      }),
    },
    cause: [`ServiceEntry ${namespace}/fault`],
    noticedBy,
    kills: ['security: unknown-sni'],
  },
];
