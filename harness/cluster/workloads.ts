import type { KubernetesObject } from './kubernetes-object.ts';

/** A namespace whose pods get a sidecar (walkthrough: `kubectl label namespace foo istio-injection=enabled`). */
export function injectedNamespace(name: string): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'istio-injection': 'enabled' } } };
}

interface WorkloadOptions {
  readonly namespace: string;
  readonly image: string;
}

/** The samples/sleep workload: a client that waits to be told what to call. */
export function sleep({
  namespace,
  image,
  annotations,
  labels = {},
}: WorkloadOptions & {
  readonly annotations: Record<string, string>;
  readonly labels?: Readonly<Record<string, string>>;
}): KubernetesObject[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sleep', namespace } },
    deployment(
      'sleep',
      namespace,
      { app: 'sleep' },
      annotations,
      { name: 'sleep', image, imagePullPolicy: 'IfNotPresent', command: ['sleep', 'infinity'] },
      labels,
    ),
  ];
}

/**
 * httpbin ends a connection that rests for five seconds, and proxies keep theirs for an hour: a call that meets that
 * very moment fails, and only HTTP clients with a sidecar try it again. So it is told to be as patient as they are.
 */
const patient = ['SRV_READ_TIMEOUT', 'SRV_READ_HEADER_TIMEOUT'].map((name) => ({ name, value: '2h' }));

/** The samples/httpbin workload: a server that answers with what it saw of the request. */
export function httpbin({
  namespace,
  image,
  port,
  version = 'v1',
}: WorkloadOptions & { readonly port: number; readonly version?: string }): KubernetesObject[] {
  const labels = { app: 'httpbin', version };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'httpbin', namespace } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'httpbin', namespace },
      spec: { selector: { app: 'httpbin' }, ports: [{ name: 'http', port: 8000, targetPort: port }] },
    },
    deployment(
      version === 'v1' ? 'httpbin' : `httpbin-${version}`,
      namespace,
      labels,
      {},
      {
        name: 'httpbin',
        image,
        imagePullPolicy: 'IfNotPresent',
        ports: [{ containerPort: port }],
        // /hostname then answers with the pod's name, which tells the versions apart.
        env: [{ name: 'USE_REAL_HOSTNAME', value: 'true' }, ...patient],
      },
    ),
  ];
}

/** The port on which the greeter speaks gRPC. */
export const greeterPort = 5353;

/**
 * A gRPC server of which every cluster has the image already: a CoreDNS that answers DNS over gRPC, and greets whoever
 * asks for text (coredns: plugin/template, core/dnsserver/server_grpc.go).
 */
export function greeter({ namespace, image }: WorkloadOptions): KubernetesObject[] {
  const name = 'greeter';
  const corefile = [
    `grpc://.:${greeterPort} {`,
    '    template IN TXT . {',
    '        answer "{{ .Name }} 60 IN TXT hello-over-grpc"',
    '    }',
    '}',
    '',
  ].join('\n');
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { Corefile: corefile } },
    deployment(
      name,
      namespace,
      { app: name },
      {},
      {
        name,
        image,
        imagePullPolicy: 'IfNotPresent',
        args: ['-conf', '/etc/coredns/Corefile'],
        ports: [{ containerPort: greeterPort }],
        volumeMounts: [{ name: 'config', mountPath: '/etc/coredns' }],
      },
      {},
      [{ name: 'config', configMap: { name } }],
    ),
  ];
}

function deployment(
  name: string,
  namespace: string,
  selector: Record<string, string>,
  annotations: Record<string, string>,
  container: object,
  more: Readonly<Record<string, string>> = {},
  volumes: readonly object[] = [],
): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: selector },
      template: {
        metadata: { labels: { ...selector, ...more }, annotations },
        spec: {
          serviceAccountName: selector['app'],
          terminationGracePeriodSeconds: 0,
          containers: [container],
          ...(volumes.length === 0 ? {} : { volumes }),
        },
      },
    },
  };
}

/**
 * A host name that resolves to one fixed address, as a cloud's load balancer gives instead of an IP: a headless service
 * without selector, and the address as its only endpoint. The name is `<name>.<namespace>.svc.cluster.local`.
 */
export function hostnameFor({
  name,
  namespace,
  address,
  port,
}: {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  readonly port: number;
}): KubernetesObject[] {
  const ports = [{ name: 'tls', port, protocol: 'TCP' }];
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { clusterIP: 'None', ports } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports,
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    },
  ];
}
