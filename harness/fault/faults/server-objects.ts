import type { Fault } from '../fault.ts';
import {
  envoyFilter,
  gatewaySelector,
  host,
  httpManager,
  networking,
  odd,
  refusing,
  security,
  system,
  withoutListener,
} from './made.ts';

const eastWest = system('gateways.networking.istio.io', 'istio-multicluster-ingressgateway');
const server = {
  port: { number: 15443, name: 'tls', protocol: 'TLS' },
  tls: { mode: 'AUTO_PASSTHROUGH' },
  hosts: ['*.local', '*.global'],
};

/** The same at the server's cluster: who exposes, refuses or adds. */
export const serverFaults: readonly Fault[] = [
  {
    id: 'gateway-gone',
    breaks: 'the server’s gateway has no Gateway for 15443',
    at: 'server',
    inject: { remove: system('gateways.networking.istio.io', 'istio-multicluster-ingressgateway') },
    cause: ['Gateway istio-system/istio-multicluster-ingressgateway'],
    kills: ['direct-sidecar: gateway-path'],
  },
  {
    id: 'gateway-other-hosts',
    breaks: 'the Gateway on 15443 no longer covers *.global',
    at: 'server',
    inject: {
      patch: system('gateways.networking.istio.io', 'istio-multicluster-ingressgateway'),
      with: {
        spec: {
          servers: [
            {
              port: { number: 15443, name: 'tls', protocol: 'TLS' },
              tls: { mode: 'AUTO_PASSTHROUGH' },
              hosts: ['*.local'],
            },
          ],
        },
      },
    },
    cause: ['Gateway istio-system/istio-multicluster-ingressgateway'],
    kills: ['direct-sidecar: gateway-path'],
  },
  {
    id: 'gateway-terminates',
    breaks: 'a second Gateway ends TLS on 15443 itself',
    at: 'server',
    inject: {
      patch: system('gateways.networking.istio.io', 'istio-multicluster-ingressgateway'),
      with: { spec: { selector: { istio: 'nobody' } } },
    },
    cause: ['Gateway istio-system/istio-multicluster-ingressgateway'],
  },
  {
    id: 'authorization-deny',
    breaks: 'an AuthorizationPolicy at the server denies everything',
    at: 'server',
    inject: { add: odd(security, 'AuthorizationPolicy', 'bar', { action: 'DENY', rules: [{}] }) },
    cause: ['AuthorizationPolicy bar/fault'],
  },
  {
    id: 'authorization-allow-nothing',
    breaks: 'an AuthorizationPolicy of the whole mesh allows nothing',
    at: 'server',
    inject: { add: odd(security, 'AuthorizationPolicy', 'istio-system', {}) },
    cause: ['AuthorizationPolicy istio-system/fault'],
  },
  {
    // An AuthorizationPolicy does not: istiod puts none into the filter chains of AUTO_PASSTHROUGH.
    id: 'envoy-filter-refuses-at-gateway',
    breaks: 'an EnvoyFilter refuses connections at the server’s gateway',
    at: 'server',
    inject: {
      add: refusing('istio-system', 'GATEWAY', 15443, gatewaySelector),
    },
    cause: ['EnvoyFilter istio-system/fault'],
  },
  {
    id: 'request-authentication',
    breaks: 'a policy asks for a token that the client does not have',
    at: 'server',
    inject: {
      add: odd(security, 'AuthorizationPolicy', 'bar', {
        action: 'ALLOW',
        rules: [{ from: [{ source: { requestPrincipals: ['*'] } }] }],
      }),
    },
    cause: ['AuthorizationPolicy bar/fault'],
  },
  {
    id: 'peer-authentication-disabled',
    breaks: 'PeerAuthentication makes the server speak plain text',
    at: 'server',
    inject: { add: odd(security, 'PeerAuthentication', 'bar', { mtls: { mode: 'DISABLE' } }) },
    cause: ['PeerAuthentication bar/fault'],
  },
  {
    id: 'envoy-filter-removes-chain',
    breaks: 'an EnvoyFilter takes the listener on 15443 away',
    at: 'server',
    inject: { add: withoutListener },
    cause: ['EnvoyFilter istio-system/fault'],
  },
  {
    id: 'envoy-filter-rejected',
    breaks: 'an EnvoyFilter makes a cluster that Envoy rejects',
    at: 'client',
    inject: {
      add: envoyFilter('foo', {
        configPatches: [
          {
            applyTo: 'CLUSTER',
            match: { context: 'SIDECAR_OUTBOUND' },
            patch: { operation: 'MERGE', value: { connect_timeout: '-1s' } },
          },
        ],
      }),
    },
    cause: ['EnvoyFilter foo/fault'],
  },
  {
    id: 'workload-entry-joins',
    breaks: 'a WorkloadEntry with the server’s labels adds an address where nobody is',
    at: 'server',
    inject: {
      add: odd(networking, 'WorkloadEntry', 'bar', {
        address: '192.0.2.88',
        // Without this label istiod leaves it out of the clusters that gateways choose by SNI.
        labels: { app: 'httpbin', 'security.istio.io/tlsMode': 'istio' },
      }),
    },
    cause: ['WorkloadEntry bar/fault'],
  },
  {
    id: 'service-entry-at-server',
    breaks: 'an older ServiceEntry at the server leads the .global host to an address where nobody is',
    at: 'server',
    inject: {
      add: odd(networking, 'ServiceEntry', 'bar', {
        hosts: [host],
        location: 'MESH_INTERNAL',
        ports: [{ name: 'http1', number: 8000, protocol: 'HTTP' }],
        resolution: 'STATIC',
        endpoints: [{ address: '192.0.2.79', labels: { 'security.istio.io/tlsMode': 'istio' } }],
      }),
    },
    cause: ['ServiceEntry bar/fault'],
  },
  {
    id: 'gateway-other-port',
    breaks: 'the Gateway listens on another port than the peers call',
    at: 'server',
    inject: { patch: eastWest, with: { spec: { servers: [{ ...server, port: { ...server.port, number: 15444 } }] } } },
    cause: ['Gateway istio-system/istio-multicluster-ingressgateway'],
  },
  {
    id: 'gateway-plain-passthrough',
    breaks: 'the Gateway passes TLS through only where a VirtualService says where to',
    at: 'server',
    inject: { patch: eastWest, with: { spec: { servers: [{ ...server, tls: { mode: 'PASSTHROUGH' } }] } } },
    cause: ['Gateway istio-system/istio-multicluster-ingressgateway'],
  },
  {
    id: 'gateway-exposes-everything',
    breaks: 'the Gateway exposes every host, also those that are not meant for peers',
    at: 'server',
    inject: { patch: eastWest, with: { spec: { servers: [{ ...server, hosts: ['*'] }] } } },
    cause: ['Gateway istio-system/istio-multicluster-ingressgateway'],
    noticedBy: ['security'],
    kills: ['security: other-hosts-hidden'],
  },
  {
    id: 'authorization-other-namespace',
    breaks: 'an AuthorizationPolicy allows calls of another namespace only',
    at: 'server',
    inject: {
      add: odd(security, 'AuthorizationPolicy', 'bar', {
        action: 'ALLOW',
        rules: [{ from: [{ source: { namespaces: ['other'] } }] }],
      }),
    },
    cause: ['AuthorizationPolicy bar/fault'],
  },
  {
    id: 'authorization-denies-client',
    breaks: 'an AuthorizationPolicy refuses the client’s identity',
    at: 'server',
    inject: {
      add: odd(security, 'AuthorizationPolicy', 'bar', {
        action: 'DENY',
        rules: [{ from: [{ source: { principals: ['cluster.local/ns/foo/sa/sleep'] } }] }],
      }),
    },
    cause: ['AuthorizationPolicy bar/fault'],
  },
  {
    id: 'authorization-denies-head',
    breaks: 'an AuthorizationPolicy refuses HEAD, and nothing else',
    at: 'server',
    inject: {
      add: odd(security, 'AuthorizationPolicy', 'bar', {
        action: 'DENY',
        rules: [{ to: [{ operation: { methods: ['HEAD'] } }] }],
      }),
    },
    cause: ['AuthorizationPolicy bar/fault'],
    kills: ['direct-sidecar: answers-200'],
  },
  {
    id: 'peer-authentication-port',
    breaks: 'PeerAuthentication makes one port of the server speak plain text',
    at: 'server',
    inject: {
      add: odd(security, 'PeerAuthentication', 'bar', {
        selector: { matchLabels: { app: 'httpbin' } },
        portLevelMtls: { 8080: { mode: 'DISABLE' } },
      }),
    },
    cause: ['PeerAuthentication bar/fault'],
  },
  {
    id: 'peer-authentication-of-the-mesh',
    breaks: 'PeerAuthentication of the whole mesh makes the server’s cluster speak plain text',
    at: 'server',
    inject: { add: odd(security, 'PeerAuthentication', 'istio-system', { mtls: { mode: 'DISABLE' } }) },
    cause: ['PeerAuthentication istio-system/fault'],
  },
  {
    id: 'envoy-filter-aborts-at-server',
    breaks: 'an EnvoyFilter aborts calls in the server’s own sidecar',
    at: 'server',
    inject: {
      add: envoyFilter('bar', {
        configPatches: [
          {
            applyTo: 'HTTP_FILTER',
            match: { context: 'SIDECAR_INBOUND', listener: { filterChain: { filter: { name: httpManager } } } },
            patch: {
              operation: 'INSERT_BEFORE',
              value: {
                name: 'fault',
                typed_config: {
                  '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault',
                  abort: { http_status: 500, percentage: { numerator: 100 } },
                },
              },
            },
          },
        ],
      }),
    },
    cause: ['EnvoyFilter bar/fault'],
  },
];
