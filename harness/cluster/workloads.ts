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
export function sleep({ namespace, image }: WorkloadOptions): KubernetesObject[] {
  const labels = { app: 'sleep' };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sleep', namespace } },
    deployment('sleep', namespace, labels, { name: 'sleep', image, imagePullPolicy: 'IfNotPresent', command: ['sleep', 'infinity'] }),
  ];
}

/** The samples/httpbin workload: a server that answers with what it saw of the request. */
export function httpbin({ namespace, image, port, version = 'v1' }: WorkloadOptions & { readonly port: number; readonly version?: string }): KubernetesObject[] {
  const labels = { app: 'httpbin', version };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'httpbin', namespace } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'httpbin', namespace },
      spec: { selector: { app: 'httpbin' }, ports: [{ name: 'http', port: 8000, targetPort: port }] },
    },
    deployment('httpbin', namespace, labels, { name: 'httpbin', image, imagePullPolicy: 'IfNotPresent', ports: [{ containerPort: port }] }),
  ];
}

function deployment(name: string, namespace: string, labels: Record<string, string>, container: object): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { serviceAccountName: name, terminationGracePeriodSeconds: 0, containers: [container] },
      },
    },
  };
}
