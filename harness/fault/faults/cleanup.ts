import { RemoteSample } from '../../scenario/remote-sample.ts';
import type { Fault } from '../fault.ts';
import { claimsOf, networking, odd, system, withoutListener } from './made.ts';

const { namespaces } = new RemoteSample('cleanup');
const noticedBy = ['cleanup'];
const kills = (...keys: readonly string[]): string[] => claimsOf('cleanup', ...keys);

/** A ServiceEntry in the mesh's own namespace, so that every gateway knows its host. */
const kept = odd(networking, 'ServiceEntry', 'istio-system', {
  hosts: ['kept.example.com'],
  location: 'MESH_EXTERNAL',
  ports: [{ name: 'http', number: 80, protocol: 'HTTP' }],
  resolution: 'STATIC',
  endpoints: [{ address: '192.0.2.90' }],
});

const [kubectl, manifest, loop] = [
  'kubectl --kubeconfig=/etc/kubernetes/admin.conf',
  '/run/fault.json',
  '/run/fault.pid',
];

/** What keeps an example or a control plane from going, or from going without a trace. */
export const cleanupFaults: readonly Fault[] = [
  {
    id: 'cleanup-example-hidden',
    breaks: 'an EnvoyFilter takes the listener on 15443 away, so the gateway never shows the example',
    at: 'server',
    inject: { add: withoutListener },
    cause: ['EnvoyFilter istio-system/fault'],
    noticedBy,
    kills: kills('example-shows'),
  },
  {
    id: 'cleanup-namespace-terminating',
    breaks: 'an object in the example’s namespace waits for a controller that is gone, and keeps the namespace',
    at: 'client',
    inject: {
      add: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'fault', namespace: namespaces.client, finalizers: ['meshproof.example/nobody'] },
        data: {},
      },
    },
    cause: [`ConfigMap ${namespaces.client}/fault`],
    noticedBy,
    kills: kills('example-gone'),
  },
  {
    id: 'cleanup-gateways-keep-copy',
    breaks: 'somebody’s controller adds a ServiceEntry for all gateways when the example comes, and leaves it there',
    at: 'client',
    inject: {
      onNode:
        `echo '${JSON.stringify(kept)}' > ${manifest}; setsid sh -c "until ${kubectl} get deployment sleep ` +
        `--namespace=${namespaces.client}; do sleep 0.5; done; ${kubectl} create -f ${manifest}" ` +
        `> /dev/null 2>&1 & echo $! > ${loop}`,
      undo:
        `kill -- -$(cat ${loop}) 2>/dev/null; ${kubectl} delete -f ${manifest} --ignore-not-found && ` +
        `rm -f ${manifest} ${loop}`,
    },
    cause: ['ServiceEntry istio-system/fault'],
    noticedBy,
    kills: kills('gateways-as-before'),
  },
  {
    id: 'cleanup-istiod-without-deployment',
    breaks: 'the Deployment of the client’s control plane is gone, and its pods run on without it',
    at: 'client',
    inject: { remove: system('deployment', 'istiod'), leaves: 'its pods' },
    cause: ['Deployment istio-system/istiod'],
    noticedBy,
    kills: kills('traces-found'),
  },
  {
    id: 'cleanup-older-role-stays',
    breaks: 'a ClusterRole of an older control plane is in no manifest, so no uninstallation takes it away',
    at: 'server',
    inject: {
      add: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'istio-reader-fault' },
        rules: [{ apiGroups: [''], resources: ['services'], verbs: ['get'] }],
      },
    },
    cause: ['ClusterRole istio-reader-fault'],
    noticedBy,
    kills: kills('no-trace'),
  },
];
