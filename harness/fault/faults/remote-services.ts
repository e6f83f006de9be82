import type { Target } from '../../cluster/cluster-editor.ts';
import { RemoteSample } from '../../scenario/remote-sample.ts';
import type { Fault } from '../fault.ts';
import { answering, claimsOf, envoyFilter, httpManager, networking, odd, onNode, refusing } from './made.ts';

const filters = 'type.googleapis.com/envoy.extensions.filters';
const sleep: Target = { kind: 'deployment', namespace: 'foo', name: 'sleep' };
const nodePort = new RemoteSample('node-port');
const loadBalancer = new RemoteSample('load-balancer');

/** An older ServiceEntry for a sample's host that leads to the address of the server's gateway. */
const toGatewayItself = ({ service: { host, address, port }, namespaces }: RemoteSample): Fault['inject'] => ({
  add: odd(networking, 'ServiceEntry', namespaces.client, {
    hosts: [host],
    addresses: [address],
    location: 'MESH_INTERNAL',
    ports: [port],
    resolution: 'STATIC',
    endpoints: [{ address: '{gateway}', ports: { [port.name]: 15443 } }],
  }),
});

/** The ways to a remote service: what answers in its place, or leads past the way that a scenario is about. */
export const remoteServiceFaults: readonly Fault[] = [
  {
    id: 'client-host-alias',
    breaks: 'the client’s pod has another address for the remote host in its hosts file',
    at: 'client',
    inject: {
      patch: sleep,
      with: {
        spec: {
          strategy: { type: 'Recreate', rollingUpdate: null },
          template: { spec: { hostAliases: [{ ip: '240.0.0.99', hostnames: ['httpbin.bar.global'] }] } },
        },
      },
    },
    restarts: [sleep],
    cause: ['Deployment foo/sleep'],
    kills: ['direct-sidecar: resolves'],
  },
  {
    id: 'envoy-filter-answers-itself',
    breaks: 'an EnvoyFilter makes the client’s sidecar answer 200 by itself',
    at: 'client',
    inject: {
      add: answering('foo'),
    },
    cause: ['EnvoyFilter foo/fault'],
    kills: ['direct-sidecar: identity', 'direct-sidecar: passed-gateway'],
  },
  {
    id: 'envoy-filter-hides-identity',
    breaks: 'an EnvoyFilter keeps the server’s sidecar from telling its application who calls',
    at: 'server',
    inject: {
      add: envoyFilter('bar', {
        configPatches: [
          {
            applyTo: 'NETWORK_FILTER',
            match: { context: 'SIDECAR_INBOUND', listener: { filterChain: { filter: { name: httpManager } } } },
            patch: {
              operation: 'MERGE',
              value: {
                typed_config: {
                  '@type': `${filters}.network.http_connection_manager.v3.HttpConnectionManager`,
                  forward_client_cert_details: 'FORWARD_ONLY',
                },
              },
            },
          },
        ],
      }),
    },
    cause: ['EnvoyFilter bar/fault'],
    noticedBy: ['direct-sidecar', 'egress-gateway/ip-address'],
    kills: ['direct-sidecar: identity', 'egress-gateway/ip-address: identity'],
  },
  {
    id: 'tcp-refused-at-client',
    breaks: 'an EnvoyFilter refuses connections to the TCP service in the client’s sidecar',
    at: 'client',
    inject: { add: refusing('tcp-service-client', 'SIDECAR_OUTBOUND', 9000) },
    cause: ['EnvoyFilter tcp-service-client/fault'],
    noticedBy: ['tcp-service'],
    kills: claimsOf('tcp-service', 'tcp-service', 'shared-address'),
  },
  {
    id: 'node-ports-dropped',
    breaks: 'the server’s node drops packets to node ports',
    at: 'server',
    // By then kube-proxy has put the pod's port in its place: connection tracking knows which port was called.
    inject: onNode('FORWARD 1 -p tcp -m conntrack --ctorigdstport 30000:32767 -j DROP'),
    cause: ['node'],
    noticedBy: ['node-port'],
    kills: claimsOf('node-port', 'call-succeeds', 'passed-gateway'),
  },
  {
    id: 'node-port-passed-by',
    breaks: 'an older ServiceEntry leads to the load balancer’s address, beside the node port',
    at: 'client',
    inject: toGatewayItself(nodePort),
    cause: [`ServiceEntry ${nodePort.namespaces.client}/fault`],
    noticedBy: ['node-port'],
    kills: claimsOf('node-port', 'only-endpoint', 'no-load-balancer'),
  },
  {
    id: 'load-balancer-by-address',
    breaks: 'an older ServiceEntry leads to the gateway’s address instead of the load balancer’s host name',
    at: 'client',
    inject: toGatewayItself(loadBalancer),
    cause: [`ServiceEntry ${loadBalancer.namespaces.client}/fault`],
    noticedBy: ['load-balancer-hostname'],
    kills: ['load-balancer-hostname: strict-dns'],
  },
];
