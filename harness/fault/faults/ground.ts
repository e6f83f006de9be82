import type { Fault } from '../fault.ts';
import { system } from './made.ts';

/** What the mesh stands on: pods, the control plane, names, addresses, the machine. */
export const groundFaults: readonly Fault[] = [
  {
    id: 'gateway-scaled-down',
    breaks: 'the server’s gateway has no pod',
    at: 'server',
    inject: { patch: system('deployment', 'istio-ingressgateway'), with: { spec: { replicas: 0 } } },
    cause: ['Deployment istio-system/istio-ingressgateway'],
  },
  {
    id: 'istiod-gone-client',
    breaks: 'the client’s control plane has no pod',
    at: 'client',
    inject: { patch: system('deployment', 'istiod'), with: { spec: { replicas: 0 } } },
    cause: ['Deployment istio-system/istiod'],
  },
  {
    id: 'istiod-gone-server',
    breaks: 'the server’s control plane has no pod',
    at: 'server',
    inject: { patch: system('deployment', 'istiod'), with: { spec: { replicas: 0 } } },
    cause: ['Deployment istio-system/istiod'],
  },
  {
    id: 'gateway-service-without-port',
    breaks: 'the gateway’s Service leads 15443 to a port where nobody listens',
    at: 'server',
    inject: {
      patch: system('service', 'istio-ingressgateway'),
      with: {
        spec: {
          ports: [
            { name: 'status-port', port: 15021, targetPort: 15021 },
            { name: 'http2', port: 80, targetPort: 8080 },
            { name: 'tls', port: 15443, targetPort: 15444 },
          ],
        },
      },
    },
    cause: ['Service istio-system/istio-ingressgateway'],
  },
  {
    id: 'gateway-service-selects-nobody',
    breaks: 'the gateway’s Service selects no pod',
    at: 'server',
    inject: {
      patch: system('service', 'istio-ingressgateway'),
      with: { spec: { selector: { istio: 'nobody' } } },
    },
    cause: ['Service istio-system/istio-ingressgateway'],
  },
  {
    id: 'discovery-config',
    breaks: 'the client’s mesh configuration looks at other namespaces only',
    at: 'client',
    inject: {
      patch: system('configmap', 'istio'),
      with: { data: { mesh: 'discoverySelectors: [{matchLabels: {fault: chosen}}]\ntrustDomain: cluster.local\n' } },
    },
    cause: ['ConfigMap istio-system/istio'],
  },
  {
    id: 'gateway-service-inside-only',
    breaks: 'the gateway’s Service has no address outside of its cluster',
    at: 'server',
    inject: { patch: system('service', 'istio-ingressgateway'), with: { spec: { type: 'ClusterIP' } } },
    cause: ['Service istio-system/istio-ingressgateway'],
  },
  {
    id: 'gateway-service-port-gone',
    breaks: 'the gateway’s Service no longer offers port 15443',
    at: 'server',
    inject: {
      patch: system('service', 'istio-ingressgateway'),
      with: { spec: { ports: [{ name: 'status-port', port: 15021, targetPort: 15021 }] } },
    },
    cause: ['Service istio-system/istio-ingressgateway'],
  },
  {
    id: 'webhook-refuses',
    breaks: 'a webhook that nobody answers makes the API server refuse ServiceEntries',
    at: 'client',
    inject: {
      add: {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'fault' },
        webhooks: [
          {
            name: 'fault.meshproof.example',
            failurePolicy: 'Fail',
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
            timeoutSeconds: 1,
            clientConfig: { service: { namespace: 'istio-system', name: 'nobody', path: '/' } },
            rules: [
              {
                apiGroups: ['networking.istio.io'],
                apiVersions: ['*'],
                resources: ['serviceentries'],
                operations: ['CREATE', 'UPDATE'],
              },
            ],
          },
        ],
      },
    },
    cause: ['ValidatingWebhookConfiguration fault'],
  },
  {
    id: 'injector-gone',
    breaks: 'the client’s sidecar injector is not asked any more, and the client was restarted',
    at: 'client',
    inject: { remove: { kind: 'mutatingwebhookconfiguration', name: 'istio-sidecar-injector' } },
    restarts: [{ kind: 'deployment', namespace: 'foo', name: 'sleep' }],
    cause: ['MutatingWebhookConfiguration istio-sidecar-injector'],
  },
  {
    id: 'client-without-sidecar',
    breaks: 'the client was restarted while its namespace asked for no sidecars',
    at: 'client',
    inject: {
      patch: { kind: 'namespace', name: 'foo' },
      with: { metadata: { labels: { 'istio-injection': 'disabled' } } },
    },
    restarts: [{ kind: 'deployment', namespace: 'foo', name: 'sleep' }],
    cause: ['Deployment foo/sleep', 'Namespace foo'],
  },
  {
    id: 'server-without-sidecar',
    breaks: 'the server was restarted while its namespace asked for no sidecars',
    at: 'server',
    inject: {
      patch: { kind: 'namespace', name: 'bar' },
      with: { metadata: { labels: { 'istio-injection': 'disabled' } } },
    },
    restarts: [{ kind: 'deployment', namespace: 'bar', name: 'httpbin' }],
    cause: ['Deployment bar/httpbin', 'Namespace bar'],
  },
  {
    id: 'trust-domain-other',
    breaks: 'the server’s cluster gives identities of another trust domain',
    at: 'server',
    inject: {
      edit: system('configmap', 'istio'),
      field: ['data', 'mesh'],
      from: 'trustDomain: cluster.local',
      to: 'trustDomain: other.example',
    },
    restarts: [system('deployment', 'istiod'), { kind: 'deployment', namespace: 'bar', name: 'httpbin' }],
    cause: ['ConfigMap istio-system/istio'],
  },
  {
    id: 'dns-serves-another-domain',
    breaks: 'the client’s cluster DNS serves another domain than cluster.local',
    at: 'client',
    inject: {
      edit: { kind: 'configmap', namespace: 'kube-system', name: 'coredns' },
      field: ['data', 'Corefile'],
      from: 'cluster.local',
      to: 'cluster.other',
    },
    restarts: [{ kind: 'deployment', namespace: 'kube-system', name: 'coredns' }],
    cause: ['ConfigMap kube-system/coredns'],
    noticedBy: ['load-balancer-hostname'],
  },
  {
    id: 'dns-gone',
    breaks: 'the client’s cluster DNS has no pod',
    at: 'client',
    inject: {
      patch: { kind: 'deployment', namespace: 'kube-system', name: 'coredns' },
      with: { spec: { replicas: 0 } },
    },
    cause: ['Deployment kube-system/coredns'],
    noticedBy: ['load-balancer-hostname'],
  },
  {
    id: 'egress-gateway-gone',
    breaks: 'the egress gateway has no Gateway for 15443',
    at: 'client',
    inject: { remove: system('gateways.networking.istio.io', 'istio-multicluster-egressgateway') },
    cause: ['Gateway istio-system/istio-multicluster-egressgateway'],
    noticedBy: ['egress-gateway/ip-address'],
    kills: ['egress-gateway/ip-address: egress-to-peer'],
  },
  {
    id: 'egress-scaled-down',
    breaks: 'the egress gateway has no pod',
    at: 'client',
    inject: { patch: system('deployment', 'istio-egressgateway'), with: { spec: { replicas: 0 } } },
    cause: ['Deployment istio-system/istio-egressgateway'],
    noticedBy: ['egress-gateway/ip-address'],
    kills: ['egress-gateway/ip-address: passed-both'],
  },
];
