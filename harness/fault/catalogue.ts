import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import type { Fault, Target } from './fault.ts';

const host = 'httpbin.bar.global';
const networking = 'networking.istio.io/v1';
const security = 'security.istio.io/v1';

/** A mesh object that is not the scenario's, under one name everywhere, so that it is seen at once whose it is. */
const odd = (apiVersion: string, kind: string, namespace: string, spec: object): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name: 'fault', namespace },
  spec,
});

const system = (kind: string, name: string): Target => ({ kind, namespace: 'istio-system', name });
const destination = { destination: { host } };
const gatewaySelector = { istio: 'ingressgateway' };
const onNode = (rule: string): { readonly onNode: string; readonly undo: string } => ({
  onNode: `iptables -I ${rule}`,
  undo: `iptables -D ${rule}`,
});

/** The mesh's own objects: who routes, hides, refuses or redirects. */
const meshFaults: readonly Fault[] = [
  {
    id: 'virtual-service-abort',
    breaks: 'a VirtualService aborts every call',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'foo', {
        hosts: [host],
        http: [{ fault: { abort: { httpStatus: 503, percentage: { value: 100 } } }, route: [destination] }],
      }),
    },
    cause: ['VirtualService foo/fault'],
  },
  {
    id: 'virtual-service-redirect',
    breaks: 'a VirtualService of another namespace redirects the call',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'istio-system', {
        hosts: [host],
        http: [{ redirect: { authority: 'elsewhere.example' } }],
      }),
    },
    cause: ['VirtualService istio-system/fault'],
  },
  {
    id: 'virtual-service-unknown-subset',
    breaks: 'a VirtualService sends the call to a subset that nobody defines',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'foo', {
        hosts: [host],
        http: [{ route: [{ destination: { host, subset: 'v9' } }] }],
      }),
    },
    cause: ['VirtualService foo/fault'],
  },
  {
    id: 'virtual-service-timeout',
    breaks: 'a VirtualService ends calls after a millisecond',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'foo', {
        hosts: [host],
        http: [{ timeout: '1ms', route: [destination] }],
      }),
    },
    cause: ['VirtualService foo/fault'],
  },
  {
    id: 'destination-rule-plain-text',
    breaks: 'a DestinationRule for the host switches mutual TLS off',
    at: 'client',
    inject: {
      add: odd(networking, 'DestinationRule', 'foo', { host, trafficPolicy: { tls: { mode: 'DISABLE' } } }),
    },
    cause: ['DestinationRule foo/fault'],
  },
  {
    id: 'destination-rule-other-sni',
    breaks: 'a DestinationRule asks the gateway for another SNI',
    at: 'client',
    inject: {
      add: odd(networking, 'DestinationRule', 'foo', {
        host,
        trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni: host } },
      }),
    },
    cause: ['DestinationRule foo/fault'],
  },
  {
    id: 'destination-rule-other-identity',
    breaks: 'a DestinationRule accepts an identity that the server does not have',
    at: 'client',
    inject: {
      add: odd(networking, 'DestinationRule', 'foo', {
        host,
        trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', subjectAltNames: ['spiffe://cluster.local/ns/bar/sa/other'] } },
      }),
    },
    cause: ['DestinationRule foo/fault'],
  },
  {
    id: 'destination-rule-gone',
    breaks: 'the rule that asks for mutual TLS to *.global is gone',
    at: 'client',
    inject: { remove: system('destinationrules.networking.istio.io', 'istio-multicluster-global') },
    cause: ['DestinationRule istio-system/istio-multicluster-global'],
  },
  {
    id: 'sidecar-hides-everything',
    breaks: 'a Sidecar resource of the client’s namespace hides the remote service',
    at: 'client',
    inject: { add: odd(networking, 'Sidecar', 'foo', { egress: [{ hosts: ['istio-system/*'] }] }) },
    cause: ['Sidecar foo/fault'],
  },
  {
    id: 'second-service-entry',
    breaks: 'an older ServiceEntry of the client’s namespace leads the host elsewhere',
    at: 'client',
    inject: {
      add: odd(networking, 'ServiceEntry', 'foo', {
        hosts: [host],
        location: 'MESH_INTERNAL',
        ports: [{ name: 'http1', number: 8000, protocol: 'HTTP' }],
        resolution: 'STATIC',
        addresses: ['240.0.0.99'],
        endpoints: [{ address: '192.0.2.77' }],
      }),
    },
    cause: ['ServiceEntry foo/fault'],
  },
  {
    id: 'gateway-gone',
    breaks: 'the server’s gateway has no Gateway for 15443',
    at: 'server',
    inject: { remove: system('gateways.networking.istio.io', 'istio-multicluster-ingressgateway') },
    cause: ['Gateway istio-system/istio-multicluster-ingressgateway'],
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
    id: 'authorization-at-gateway',
    breaks: 'an AuthorizationPolicy refuses connections at the server’s gateway',
    at: 'server',
    inject: {
      add: odd(security, 'AuthorizationPolicy', 'istio-system', {
        selector: { matchLabels: gatewaySelector },
        action: 'DENY',
        rules: [{ to: [{ operation: { ports: ['15443'] } }] }],
      }),
    },
    cause: ['AuthorizationPolicy istio-system/fault'],
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
    inject: {
      add: odd('networking.istio.io/v1alpha3', 'EnvoyFilter', 'istio-system', {
        workloadSelector: { labels: gatewaySelector },
        configPatches: [
          {
            applyTo: 'LISTENER',
            match: { context: 'GATEWAY', listener: { portNumber: 15443 } },
            patch: { operation: 'REMOVE' },
          },
        ],
      }),
    },
    cause: ['EnvoyFilter istio-system/fault'],
  },
  {
    id: 'envoy-filter-rejected',
    breaks: 'an EnvoyFilter makes a cluster that Envoy rejects',
    at: 'client',
    inject: {
      add: odd('networking.istio.io/v1alpha3', 'EnvoyFilter', 'foo', {
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
      add: odd(networking, 'WorkloadEntry', 'bar', { address: '192.0.2.88', labels: { app: 'httpbin' } }),
    },
    cause: ['WorkloadEntry bar/fault'],
  },
];

/** What the mesh stands on: pods, the control plane, names, addresses, the machine. */
const groundFaults: readonly Fault[] = [
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
    id: 'packets-dropped-at-server',
    breaks: 'the server’s node drops packets to the gateway',
    at: 'server',
    inject: onNode('FORWARD 1 -p tcp --dport 15443 -j DROP'),
    cause: ['node'],
  },
  {
    id: 'packets-rejected-at-client',
    breaks: 'the client’s node refuses connections to 15443',
    at: 'client',
    inject: onNode('FORWARD 1 -p tcp --dport 15443 -j REJECT'),
    cause: ['node'],
  },
  {
    id: 'packets-lost',
    breaks: 'the server’s node loses every packet that it sends',
    at: 'server',
    inject: {
      onNode: 'tc qdisc add dev cni0 root netem loss 100%',
      undo: 'tc qdisc del dev cni0 root',
    },
    cause: ['node'],
  },
];

/** Every fault that is known, each by its id. */
export const faults: readonly Fault[] = [...meshFaults, ...groundFaults];
