import type { Fault } from '../fault.ts';
import { claimsOf, gatewayEnv, system } from './made.ts';

const scenario = 'multi-primary/one-service';

/** What keeps control planes of several clusters from making one mesh, or lets it only seem to be one. */
export const multiPrimaryFaults: readonly Fault[] = [
  {
    id: 'remote-secret-gone',
    breaks: 'the client’s control plane may no longer read the services of its peer',
    at: 'client',
    inject: { remove: system('secret', 'istio-remote-secret-east') },
    cause: ['Secret istio-system/istio-remote-secret-east'],
    noticedBy: [scenario],
    kills: claimsOf(scenario, 'endpoints', 'both-answer'),
    topology: 'multi-primary',
  },
  {
    id: 'hairpin',
    breaks: 'the server’s gateway sees the endpoints of every network, and sends half of the calls back',
    at: 'server',
    inject: gatewayEnv('istio-ingressgateway', { name: 'ISTIO_META_REQUESTED_NETWORK_VIEW', $patch: 'delete' }),
    restarts: [system('deployment', 'istio-ingressgateway')],
    cause: ['Deployment istio-system/istio-ingressgateway'],
    noticedBy: [scenario],
    kills: claimsOf(scenario, 'no-hairpin'),
    topology: 'multi-primary',
  },
];
