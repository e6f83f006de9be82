import type { KubernetesObject } from '../../harness/cluster/kubernetes-object.ts';

const named = (
  apiVersion: string,
  kind: string,
  name: string,
  rest: Readonly<Record<string, unknown>> = {},
): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(kind === 'Namespace' ? {} : { namespace: 'shop' }) },
  ...rest,
});

/**
 * What other people have in a cluster: a workload with a sidecar, which must hear of nothing that scenarios apply, and
 * objects of every kind that scenarios write.
 *
 * @param image with a shell, that the cluster has
 */
export function neighbours(image: string): KubernetesObject[] {
  const labels = { app: 'till' };
  const containers = [{ name: 'till', image, imagePullPolicy: 'IfNotPresent', command: ['sleep', 'infinity'] }];
  return [
    {
      ...named('v1', 'Namespace', 'shop'),
      metadata: { name: 'shop', labels: { 'istio-injection': 'enabled', 'app.kubernetes.io/managed-by': 'shop-team' } },
    },
    named('v1', 'ServiceAccount', 'till'),
    named('v1', 'ConfigMap', 'till', { data: { note: 'ours' } }),
    named('v1', 'Service', 'till', { spec: { selector: labels, ports: [{ name: 'http', port: 8000 }] } }),
    named('apps/v1', 'Deployment', 'till', {
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    }),
    named('networking.istio.io/v1', 'ServiceEntry', 'payments', {
      spec: {
        hosts: ['payments.example.com'],
        addresses: ['240.9.9.9'],
        ports: [{ number: 8000, name: 'http', protocol: 'HTTP' }],
        resolution: 'STATIC',
        endpoints: [{ address: '192.0.2.1' }],
      },
    }),
    named('networking.istio.io/v1', 'DestinationRule', 'till', { spec: { host: 'till.shop.svc.cluster.local' } }),
    named('networking.istio.io/v1', 'VirtualService', 'till', {
      spec: {
        hosts: ['till.shop.svc.cluster.local'],
        http: [{ route: [{ destination: { host: 'till.shop.svc.cluster.local' } }] }],
      },
    }),
    named('networking.istio.io/v1', 'Gateway', 'shop', {
      spec: {
        selector: { istio: 'ingressgateway' },
        servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['shop.example.com'] }],
      },
    }),
  ];
}
