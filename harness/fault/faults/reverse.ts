import { RemoteSample } from '../../scenario/remote-sample.ts';
import type { Fault } from '../fault.ts';
import { answering, claimsOf, dnsCaptureOff, networking, odd, security, system } from './made.ts';

const { namespaces, service } = new RemoteSample('reverse');
const noticedBy = ['reverse-direction'];
const kills = (...keys: readonly string[]): string[] => claimsOf('reverse-direction', ...keys);

/**
 * What breaks calls from the second cluster to the first only: the fault's client is the first cluster, which answers
 * here.
 */
export const reverseFaults: readonly Fault[] = [
  {
    id: 'reverse-dns-capture-off',
    breaks: 'the mesh of the second cluster switches DNS capture off',
    at: 'server',
    inject: dnsCaptureOff,
    restarts: [system('deployment', 'istiod')],
    cause: ['ConfigMap istio-system/istio'],
    noticedBy,
    kills: kills('resolves'),
  },
  {
    id: 'reverse-gateway-gone',
    breaks: 'the gateway of the first cluster has no Gateway for 15443',
    at: 'client',
    inject: { remove: system('gateways.networking.istio.io', 'istio-multicluster-ingressgateway') },
    cause: ['Gateway istio-system/istio-multicluster-ingressgateway'],
    noticedBy,
    kills: kills('whole-path'),
  },
  {
    id: 'reverse-plain-text',
    breaks: 'a DestinationRule in the second cluster switches mutual TLS off',
    at: 'server',
    inject: {
      add: odd(networking, 'DestinationRule', namespaces.client, {
        host: service.host,
        trafficPolicy: { tls: { mode: 'DISABLE' } },
      }),
    },
    cause: [`DestinationRule ${namespaces.client}/fault`],
    noticedBy,
    kills: kills('whole-path'),
  },
  {
    id: 'reverse-denied',
    breaks: 'an AuthorizationPolicy in the first cluster refuses the second cluster’s client',
    at: 'client',
    inject: { add: odd(security, 'AuthorizationPolicy', namespaces.server, { action: 'DENY', rules: [{}] }) },
    cause: [`AuthorizationPolicy ${namespaces.server}/fault`],
    noticedBy,
    kills: kills('call-succeeds'),
  },
  {
    id: 'reverse-answers-itself',
    breaks: 'an EnvoyFilter makes the sidecar of the second cluster’s client answer 200 by itself',
    at: 'server',
    inject: { add: answering(namespaces.client) },
    cause: [`EnvoyFilter ${namespaces.client}/fault`],
    noticedBy,
    kills: kills('call-succeeds', 'passed-gateway'),
  },
];
