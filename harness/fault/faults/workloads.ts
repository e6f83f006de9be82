import type { Target } from '../../cluster/cluster-editor.ts';
import type { Fault } from '../fault.ts';
import { networking, odd, system } from './made.ts';

const client: Target = { kind: 'deployment', namespace: 'foo', name: 'sleep' };
const server: Target = { kind: 'deployment', namespace: 'bar', name: 'httpbin' };
/** The one pod goes before its successor comes: a pod that never gets ready does not hide behind the old one. */
const strategy = { type: 'Recreate', rollingUpdate: null };
const annotated = (annotations: Readonly<Record<string, string>>): object => ({
  spec: { strategy, template: { metadata: { annotations } } },
});
const withContainer = (container: object): object => ({
  spec: { strategy, template: { spec: { containers: [{ name: 'httpbin', ...container }] } } },
});

/** kind's own network plugin heeds NetworkPolicies; a plain bridge does not. */
const policies = { daemonSet: 'kindnet', since: 'this cluster’s network plugin heeds no NetworkPolicies' };

/** The workloads themselves, what their sidecars take, and whom they believe. */
export const workloadFaults: readonly Fault[] = [
  {
    id: 'client-excludes-addresses',
    breaks: 'the client’s pod asks its sidecar to leave the addresses of remote services alone',
    at: 'client',
    inject: {
      patch: client,
      with: annotated({ 'traffic.sidecar.istio.io/excludeOutboundIPRanges': '240.0.0.0/4' }),
    },
    restarts: [client],
    cause: ['Deployment foo/sleep'],
  },
  {
    id: 'server-excludes-port',
    breaks: 'the server’s pod asks its sidecar to leave the service’s port alone',
    at: 'server',
    inject: {
      patch: server,
      with: annotated({ 'traffic.sidecar.istio.io/excludeInboundPorts': '80,8000,8080' }),
    },
    restarts: [server],
    cause: ['Deployment bar/httpbin'],
  },
  {
    id: 'server-unready',
    breaks: 'the server’s pod never gets ready',
    at: 'server',
    inject: {
      strategic: server,
      with: withContainer({ readinessProbe: { httpGet: { path: '/status/500', port: 9 }, periodSeconds: 1 } }),
    },
    cause: ['Deployment bar/httpbin'],
  },
  {
    id: 'server-crashes',
    breaks: 'the server’s program ends as soon as it starts',
    at: 'server',
    inject: { strategic: server, with: withContainer({ command: ['false'] }) },
    cause: ['Deployment bar/httpbin'],
  },
  {
    id: 'server-listens-nowhere',
    breaks: 'the server’s program runs and listens on no port',
    at: 'server',
    inject: { strategic: server, with: withContainer({ command: ['sleep', '86400'] }) },
    cause: ['Deployment bar/httpbin'],
  },
  {
    id: 'quota-at-server',
    breaks: 'a ResourceQuota lets the server’s namespace have no pods, and the server was restarted',
    at: 'server',
    inject: {
      add: {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'fault', namespace: 'bar' },
        spec: { hard: { pods: '0' } },
      },
    },
    deletes: { kind: 'pods', namespace: 'bar', selector: 'app=httpbin' },
    cause: ['ResourceQuota bar/fault'],
  },
  {
    id: 'network-policy-at-server',
    breaks: 'a NetworkPolicy lets nothing in to the server’s namespace',
    at: 'server',
    inject: {
      add: odd('networking.k8s.io/v1', 'NetworkPolicy', 'bar', { podSelector: {}, policyTypes: ['Ingress'] }),
    },
    needs: policies,
    cause: ['NetworkPolicy bar/fault'],
  },
  {
    id: 'network-policy-at-gateway',
    breaks: 'a NetworkPolicy lets nothing in to the server’s gateway',
    at: 'server',
    inject: {
      add: odd('networking.k8s.io/v1', 'NetworkPolicy', 'istio-system', {
        podSelector: { matchLabels: { istio: 'ingressgateway' } },
        policyTypes: ['Ingress'],
      }),
    },
    needs: policies,
    cause: ['NetworkPolicy istio-system/fault'],
  },
  {
    id: 'istiod-service-selects-nobody',
    breaks: 'the Service of the client’s istiod selects no pod, and its proxies connect anew',
    at: 'client',
    inject: { patch: system('service', 'istiod'), with: { spec: { selector: { istio: 'nobody' } } } },
    deletes: { kind: 'pods', namespace: 'istio-system', selector: 'app=istiod' },
    cause: ['Service istio-system/istiod'],
  },
  {
    id: 'address-taken-by-tcp',
    breaks: 'an older TCP service has the address and the port of the remote service',
    at: 'client',
    inject: {
      add: odd(networking, 'ServiceEntry', 'foo', {
        hosts: ['taken.example'],
        addresses: ['240.0.0.2'],
        location: 'MESH_INTERNAL',
        resolution: 'STATIC',
        ports: [{ number: 8000, name: 'tcp', protocol: 'TCP' }],
        endpoints: [{ address: '240.9.9.9', ports: { tcp: 15443 } }],
      }),
    },
    cause: ['ServiceEntry foo/fault'],
  },
  {
    id: 'server-root-other',
    breaks: 'the server’s cluster signs by a CA of another root, and its workloads were restarted',
    at: 'server',
    inject: { cacerts: 'another root' },
    restarts: [system('deployment', 'istiod'), system('deployment', 'istio-ingressgateway'), server],
    cause: ['Secret istio-system/cacerts'],
    noticedBy: ['direct-sidecar', 'prerequisites'],
    kills: ['prerequisites: common-root'],
  },
];
