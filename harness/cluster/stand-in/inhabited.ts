import type { KubernetesObject } from '../kubernetes-object.ts';
import { podOf } from './api-server.ts';

const namespaced = (
  apiVersion: string,
  kind: string,
  name: string,
  rest: Record<string, unknown> = {},
): KubernetesObject => {
  const [namespace = '', own = ''] = name.split('/');
  return { apiVersion, kind, metadata: { name: own, namespace }, ...rest };
};
const namespace = (name: string, labels: Record<string, string> = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});
const deployment = (name: string): KubernetesObject => {
  const labels = { app: name.split('/')[1] ?? '' };
  const container = { name: 'main', image: `example/${labels.app}:1` };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  return namespaced('apps/v1', 'Deployment', name, {
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
  });
};
const istio = 'networking.istio.io/v1';

/**
 * A meshed cluster that people live in: namespaces, a stub domain, ServiceEntries, gateways and workloads of theirs.
 *
 * @param gateway address of its ingress gateway
 */
export function inhabitedCluster(gateway: string): KubernetesObject[] {
  const deployments = [
    deployment('kube-system/coredns'),
    deployment('istio-system/istiod'),
    deployment('istio-system/istio-ingressgateway'),
    deployment('istio-system/istio-egressgateway'),
    deployment('shop/orders'),
  ];
  const ports = [{ name: 'tls', port: 15443, nodePort: 31443 }];
  return [
    namespace('default'),
    namespace('kube-system'),
    namespace('istio-system'),
    namespace('shop', { 'istio-injection': 'enabled' }),
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n' },
      status: { addresses: [{ type: 'InternalIP', address: '192.0.2.9' }] },
    },
    ...deployments,
    ...deployments.map(podOf),
    namespaced('v1', 'ConfigMap', 'kube-system/coredns', {
      data: { Corefile: '.:53 {\n    errors\n}\nglobal:53 {\n    errors\n    forward . 10.0.0.1:53\n}\n' },
    }),
    namespaced('v1', 'Service', 'istio-system/istio-ingressgateway', {
      spec: { type: 'LoadBalancer', clusterIP: '10.0.0.2', ports },
      status: { loadBalancer: { ingress: [{ ip: gateway }] } },
    }),
    namespaced('v1', 'Service', 'istio-system/istio-egressgateway', { spec: { clusterIP: '10.0.0.3', ports } }),
    namespaced('v1', 'Service', 'shop/orders', {
      spec: { selector: { app: 'orders' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    }),
    namespaced('v1', 'Secret', 'shop/token', { data: { token: 'c2VjcmV0' } }),
    namespaced(istio, 'ServiceEntry', 'shop/payments', {
      spec: {
        hosts: ['payments.example.com'],
        addresses: ['240.0.1.1'],
        ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
      },
    }),
    namespaced(istio, 'Gateway', 'istio-system/istio-multicluster-ingressgateway', {
      spec: { selector: { istio: 'ingressgateway' } },
    }),
    namespaced(istio, 'DestinationRule', 'istio-system/istio-multicluster-global', { spec: { host: '*.global' } }),
    namespaced(istio, 'VirtualService', 'shop/orders', { spec: { hosts: ['orders.shop.svc.cluster.local'] } }),
  ];
}
