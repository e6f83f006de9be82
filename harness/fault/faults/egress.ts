import type { Fault } from '../fault.ts';
import { claimsOf, gatewayEnv, networking, odd, olderEntry, refusing, system } from './made.ts';

const members = { 'security.istio.io/tlsMode': 'istio' };
const egressSelector = { istio: 'egressgateway' };
/** The peer's gateway, past the egress gateway. */
const past = { address: '{gateway}', ports: { http1: 15443 }, network: 'mesh', labels: members };
/** Without a path that holds nothing of these two is called. */
const ofHostname = ['call-succeeds', 'sidecar-to-egress', 'egress-to-peer', 'passed-both', 'all-to-address'];
const ofAddress = ['identity', 'sidecar-to-egress', 'no-other-endpoint', 'egress-to-peer', 'none-direct'];

/** What leads past the egress gateway, keeps it from passing traffic on, or lets it do what it must not. */
export const egressFaults: readonly Fault[] = [
  {
    id: 'egress-refuses',
    breaks: 'an EnvoyFilter refuses connections at the egress gateway',
    at: 'client',
    inject: { add: refusing('istio-system', 'GATEWAY', 15443, egressSelector) },
    cause: ['EnvoyFilter istio-system/fault'],
    noticedBy: ['egress-gateway/ip-address', 'egress-gateway/limits'],
    kills: [
      ...claimsOf('egress-gateway/ip-address', 'call-succeeds', 'identity', 'passed-both'),
      'egress-gateway/limits: serves-inter-cluster',
    ],
  },
  {
    id: 'egress-past-by-address',
    breaks: 'an older ServiceEntry leads the client’s sidecar straight to the peer’s gateway as well',
    at: 'client',
    inject: { add: olderEntry({ resolution: 'STATIC', endpoints: [past] }) },
    cause: ['ServiceEntry foo/fault'],
    noticedBy: ['egress-gateway/ip-address'],
    kills: claimsOf('egress-gateway/ip-address', ...ofAddress),
  },
  {
    id: 'egress-past-by-name',
    breaks: 'an older ServiceEntry leads the client’s sidecar past the egress gateway’s host name',
    at: 'client',
    inject: { add: olderEntry({ resolution: 'DNS', endpoints: [past] }) },
    cause: ['ServiceEntry foo/fault'],
    noticedBy: ['egress-gateway/hostname'],
    kills: claimsOf('egress-gateway/hostname', ...ofHostname),
  },
  {
    id: 'egress-view-of-another-network',
    breaks: 'the egress gateway sees the endpoints of another network only',
    at: 'client',
    inject: gatewayEnv('istio-egressgateway', { name: 'ISTIO_META_REQUESTED_NETWORK_VIEW', value: 'elsewhere' }),
    restarts: [system('deployment', 'istio-egressgateway')],
    cause: ['Deployment istio-system/istio-egressgateway'],
    noticedBy: ['egress-gateway/hostname'],
    kills: ['egress-gateway/hostname: egress-to-peer'],
  },
  {
    id: 'egress-view-has-another-service',
    breaks: 'an older ServiceEntry puts an endpoint of another service into the egress gateway’s network view',
    at: 'client',
    inject: {
      add: odd(networking, 'ServiceEntry', 'egress-limits-client', {
        hosts: ['tickets.egress-limits-server.global'],
        location: 'MESH_INTERNAL',
        ports: [{ name: 'http', number: 8000, protocol: 'HTTP' }],
        resolution: 'STATIC',
        endpoints: [{ address: '192.0.2.44', network: 'external', labels: members }],
      }),
    },
    cause: ['ServiceEntry egress-limits-client/fault'],
    noticedBy: ['egress-gateway/limits'],
    kills: ['egress-gateway/limits: network-view'],
  },
  {
    id: 'egress-serves-port-80',
    breaks: 'a Gateway makes the egress gateway take other traffic on port 80',
    at: 'client',
    inject: {
      add: odd(networking, 'Gateway', 'istio-system', {
        selector: egressSelector,
        servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
      }),
    },
    cause: ['Gateway istio-system/fault'],
    noticedBy: ['egress-gateway/limits'],
    kills: claimsOf('egress-gateway/limits', 'only-15443', 'nobody-on-80'),
  },
];
