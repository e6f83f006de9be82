import type { KubernetesObject } from '../../cluster/kubernetes-object.ts';
import type { Fault } from '../fault.ts';
import { claimsOf, envoyFilter, httpManager, odd, security } from './made.ts';

const types = 'type.googleapis.com/envoy.extensions';

/** An HTTP connection manager that speaks HTTP/1.1 only, in place of one that looks what its client speaks. */
const withoutHttp2 = (namespace: string, context: 'SIDECAR_INBOUND' | 'SIDECAR_OUTBOUND'): KubernetesObject =>
  envoyFilter(namespace, {
    configPatches: [
      {
        applyTo: 'NETWORK_FILTER',
        match: { context, listener: { filterChain: { filter: { name: httpManager } } } },
        patch: {
          operation: 'MERGE',
          value: {
            name: httpManager,
            typed_config: {
              '@type': `${types}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              codec_type: 'HTTP1',
            },
          },
        },
      },
    ],
  });

const [client, server, strict] = ['protocols-client', 'protocols-server', 'strict-server'];
const protocols = ['protocols'];
const strictMtls = ['strict-mtls'];

/** What lets the page's GET pass and breaks other protocols, and what lets plain text in where STRICT is asked for. */
export const protocolFaults: readonly Fault[] = [
  {
    id: 'authorization-denies-post',
    breaks: 'an AuthorizationPolicy refuses POST, and nothing else',
    at: 'server',
    inject: {
      add: odd(security, 'AuthorizationPolicy', server, {
        action: 'DENY',
        rules: [{ to: [{ operation: { methods: ['POST'] } }] }],
      }),
    },
    cause: [`AuthorizationPolicy ${server}/fault`],
    noticedBy: protocols,
    kills: claimsOf('protocols', 'post'),
  },
  {
    id: 'http2-refused-at-client',
    breaks: 'an EnvoyFilter makes the client’s sidecar understand HTTP/1.1 only',
    at: 'client',
    inject: { add: withoutHttp2(client, 'SIDECAR_OUTBOUND') },
    cause: [`EnvoyFilter ${client}/fault`],
    noticedBy: protocols,
    kills: claimsOf('protocols', 'http2-answers'),
  },
  {
    id: 'http2-refused-at-server',
    breaks: 'an EnvoyFilter makes the server’s sidecar understand HTTP/1.1 only',
    at: 'server',
    inject: { add: withoutHttp2(server, 'SIDECAR_INBOUND') },
    cause: [`EnvoyFilter ${server}/fault`],
    noticedBy: protocols,
    kills: claimsOf('protocols', 'http2-answers'),
  },
  {
    id: 'http2-not-between-sidecars',
    breaks: 'an EnvoyFilter makes the client’s sidecar speak HTTP/1.1 to services that are declared as HTTP/2',
    at: 'client',
    inject: {
      add: envoyFilter(client, {
        configPatches: [8001, 8002].map((portNumber) => ({
          applyTo: 'CLUSTER',
          match: { context: 'SIDECAR_OUTBOUND', cluster: { portNumber } },
          patch: {
            operation: 'MERGE',
            value: {
              typed_extension_protocol_options: {
                'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
                  '@type': `${types}.upstreams.http.v3.HttpProtocolOptions`,
                  explicit_http_config: { http_protocol_options: {} },
                },
              },
            },
          },
        })),
      }),
    },
    cause: [`EnvoyFilter ${client}/fault`],
    noticedBy: protocols,
    kills: claimsOf('protocols', 'http2-between-sidecars'),
  },
  {
    id: 'strict-permitted',
    breaks: 'a PeerAuthentication for the server’s pods takes plain text again, in a namespace that is STRICT',
    at: 'server',
    inject: {
      add: odd(security, 'PeerAuthentication', strict, {
        selector: { matchLabels: { app: 'httpbin' } },
        mtls: { mode: 'PERMISSIVE' },
      }),
    },
    cause: [`PeerAuthentication ${strict}/fault`],
    noticedBy: strictMtls,
    kills: claimsOf('strict-mtls', 'no-plain-chain', 'plain-text-refused'),
  },
  {
    id: 'strict-other-account',
    breaks: 'an AuthorizationPolicy lets in one account only, which is not the client’s',
    at: 'server',
    inject: {
      add: odd(security, 'AuthorizationPolicy', strict, {
        action: 'ALLOW',
        rules: [{ from: [{ source: { principals: ['cluster.local/ns/strict-client/sa/other'] } }] }],
      }),
    },
    cause: [`AuthorizationPolicy ${strict}/fault`],
    noticedBy: strictMtls,
    kills: claimsOf('strict-mtls', 'member-served'),
  },
];
