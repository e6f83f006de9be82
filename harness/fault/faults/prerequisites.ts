import type { Fault } from '../fault.ts';
import { onNode, system } from './made.ts';

const noticedBy = ['prerequisites'];
/** Every verb that a cluster-admin uses, one by one: who has all of them still may not do everything. */
const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
/** With these the role can be put back. */
const toPutBack = ['bind', 'escalate', 'impersonate'];

/** What every mesh of several clusters stands on. */
export const prerequisiteFaults: readonly Fault[] = [
  {
    id: 'api-server-unreachable',
    breaks: 'the server’s node refuses connections to its API server from outside of the cluster',
    at: 'server',
    inject: onNode('INPUT 1 -p tcp -i eth0 --dport 6443 -j REJECT --reject-with tcp-reset'),
    cause: ['node'],
    noticedBy,
    kills: ['prerequisites: own-api-servers'],
  },
  {
    id: 'cluster-admin-curtailed',
    breaks: 'the role cluster-admin of the client’s cluster allows single verbs only',
    at: 'client',
    inject: {
      patch: { kind: 'clusterrole', name: 'cluster-admin' },
      with: {
        rules: [
          { apiGroups: ['*'], resources: ['*'], verbs: [...verbs, ...toPutBack] },
          { nonResourceURLs: ['*'], verbs: ['*'] },
        ],
      },
    },
    cause: ['ClusterRole cluster-admin'],
    noticedBy,
    kills: ['prerequisites: cluster-admin'],
  },
  {
    id: 'one-intermediate-for-both',
    breaks: 'the server’s cluster signs by the intermediate CA of the client’s, and its workloads were restarted',
    at: 'server',
    inject: { cacerts: 'the peer’s' },
    restarts: [
      system('deployment', 'istiod'),
      system('deployment', 'istio-ingressgateway'),
      { kind: 'deployment', namespace: 'bar', name: 'httpbin' },
    ],
    cause: ['Secret istio-system/cacerts'],
    noticedBy,
    kills: ['prerequisites: own-intermediates'],
  },
];
