import type { Target } from '../../cluster/cluster-editor.ts';
import type { Fault, Injection } from '../fault.ts';
import { dnsCaptureOff, networking, odd, system } from './made.ts';

const coredns: Target = { kind: 'configmap', namespace: 'kube-system', name: 'coredns' };
const restarts: readonly Target[] = [{ kind: 'deployment', namespace: 'kube-system', name: 'coredns' }];
const cause = ['ConfigMap kube-system/coredns'];
const rootBlock = '.:53 {';

/** A block for a zone of its own, before the cluster's own: CoreDNS takes the longest zone that fits a name. */
const withZone = (zone: string, ...plugins: readonly string[]): Injection => ({
  edit: coredns,
  field: ['data', 'Corefile'],
  from: rootBlock,
  to: [`${zone}:53 {`, '    errors', ...plugins.map((plugin) => `    ${plugin}`), '}', rootBlock].join('\n'),
});
const nothing = ['template IN ANY {', '   rcode NXDOMAIN', '}'];
const always = (address: string): string[] => [
  'template IN A {',
  `   answer "{{ .Name }} 5 IN A ${address}"`,
  '}',
  'template IN ANY {',
  '   rcode NOERROR',
  '}',
];

/** Names that resolve where they must not, do not where they must, or lead elsewhere. */
export const dnsFaults: readonly Fault[] = [
  {
    id: 'dns-capture-off',
    breaks: 'the client’s mesh switches DNS capture off',
    at: 'client',
    inject: dnsCaptureOff,
    restarts: [system('deployment', 'istiod')],
    cause: ['ConfigMap istio-system/istio'],
    noticedBy: ['dns-stub-domain'],
    kills: ['dns-stub-domain: captured'],
  },
  {
    id: 'dns-knows-the-host',
    breaks: 'the client’s cluster DNS answers for the .global host by itself',
    at: 'client',
    inject: withZone('dns-server.global', 'hosts {', '   240.0.0.2 httpbin.dns-server.global', '}'),
    restarts,
    cause,
    noticedBy: ['dns-stub-domain'],
    kills: ['dns-stub-domain: plain-cannot', 'dns-stub-domain: taken-back'],
  },
  {
    id: 'dns-knows-the-host-by-ipv6',
    breaks: 'the client’s cluster DNS has an IPv6 address for the .global host',
    at: 'client',
    inject: withZone('dns-server.global', 'template IN AAAA {', '   answer "{{ .Name }} 5 IN AAAA fd00::9"', '}'),
    restarts,
    cause,
    noticedBy: ['dns-stub-domain'],
    kills: ['dns-stub-domain: plain-cannot'],
  },
  {
    id: 'dns-stub-domain-left',
    breaks: 'the client’s cluster DNS has a stub domain for .global already, with a server that nobody runs any more',
    at: 'client',
    inject: withZone('global', 'forward . 127.0.0.1:5354'),
    restarts,
    cause,
    noticedBy: ['dns-stub-domain'],
    kills: ['dns-stub-domain: corefile', 'dns-stub-domain: taken-back'],
  },
  {
    id: 'dns-denies-the-host',
    breaks: 'the client’s cluster DNS denies dns-server.global before any stub domain is asked',
    at: 'client',
    inject: withZone('dns-server.global', ...nothing),
    restarts,
    cause,
    noticedBy: ['dns-stub-domain'],
    kills: ['dns-stub-domain: plain-resolves'],
  },
  {
    id: 'dns-denies-a-service',
    breaks: 'the client’s cluster DNS denies the services of the namespace default',
    at: 'client',
    inject: withZone('default.svc.cluster.local', ...nothing),
    restarts,
    cause,
    noticedBy: ['dns-stub-domain'],
    kills: ['dns-stub-domain: others-resolve'],
  },
  {
    id: 'dns-answers-anything',
    breaks: 'the client’s cluster DNS has an address for a .global host that nobody declares',
    at: 'client',
    inject: withZone('nobody.dns-server.global', ...always('192.0.2.9')),
    restarts,
    cause,
    noticedBy: ['dns-stub-domain'],
    kills: ['dns-stub-domain: undeclared'],
  },
  {
    id: 'service-entry-wildcard',
    breaks: 'a ServiceEntry declares every host below dns-server.global',
    at: 'client',
    inject: {
      add: odd(networking, 'ServiceEntry', 'dns-client', {
        hosts: ['*.dns-server.global'],
        addresses: ['240.0.0.66'],
        location: 'MESH_INTERNAL',
        ports: [{ name: 'http', number: 8000, protocol: 'HTTP' }],
        resolution: 'STATIC',
        endpoints: [{ address: '192.0.2.66' }],
      }),
    },
    cause: ['ServiceEntry dns-client/fault'],
    noticedBy: ['dns-stub-domain'],
    kills: ['dns-stub-domain: undeclared'],
  },
  {
    id: 'dns-may-not-read-services',
    breaks: 'the account of the client’s cluster DNS may no longer read services',
    at: 'client',
    inject: { remove: { kind: 'clusterrolebinding', name: 'system:coredns' } },
    cause: ['ClusterRoleBinding system:coredns'],
    noticedBy: ['dns-older-forms'],
    kills: ['dns-older-forms: form-below-1-4-0', 'dns-older-forms: form-1-4-0'],
  },
  {
    id: 'dns-other-load-balancer',
    breaks: 'the client’s cluster DNS has another address for the host name of the load balancer',
    at: 'client',
    inject: withZone('peer-gateway.load-balancer-client.svc.cluster.local', ...always('192.0.2.50')),
    restarts,
    cause,
    noticedBy: ['load-balancer-hostname'],
    kills: ['load-balancer-hostname: call-succeeds', 'load-balancer-hostname: all-to-address'],
  },
  {
    id: 'dns-other-egress-gateway',
    breaks: 'the client’s cluster DNS has another address for the egress gateway',
    at: 'client',
    inject: withZone('istio-egressgateway.istio-system.svc.cluster.local', ...always('192.0.2.51')),
    restarts,
    cause,
    noticedBy: ['egress-gateway/hostname'],
    kills: [
      'egress-gateway/hostname: call-succeeds',
      'egress-gateway/hostname: passed-both',
      'egress-gateway/hostname: all-to-address',
    ],
  },
];
