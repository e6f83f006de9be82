/**
 * Maintainers' script: what meshproof's bring-up is measured against. It types the walkthrough's set-up as a person
 * would, one command after the other, each waited for: `kind create cluster`, MetalLB, `cacerts`, `istioctl install`,
 * the sample services and the ServiceEntry, until the first call across the clusters is answered. It prints the seconds
 * of each command, and removes its clusters.
 *
 * `npx meshproof exec -- npx tsx scripts/by-hand.ts`: it takes the images of the kept environment, and makes two
 * clusters of its own beside it.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, echo, retry, $ } from 'zx';
import { parseAllDocuments, stringify } from 'yaml';
import { adaptManifest } from '../harness/cluster/metallb.ts';
import type { KubernetesObject } from '../harness/cluster/kubernetes-object.ts';
import { cgroupFormat, kubeletConfig } from '../harness/cluster/providers/kubelet-config.ts';
import { httpbin, injectedNamespace, sleep } from '../harness/cluster/workloads.ts';
import { loadConfig } from '../harness/config/config.ts';
import { readEnvironment } from '../harness/environment/state.ts';
import { issueAuthorities } from '../harness/mesh/certificates.ts';
import { exposedService, remoteService } from '../harness/mesh/services.ts';
import { topologyNamed } from '../harness/mesh/topologies/registry.ts';
import type { Plan } from '../harness/run/plan.ts';

const { name } = await loadConfig(typeof argv['config'] === 'string' ? argv['config'] : undefined);
const environment = await readEnvironment(name);
if (environment?.runFolder === undefined) throw new Error('run `meshproof up` first: its images are used');
const { images, request } = JSON.parse(await readFile(join(environment.runFolder, 'plan.json'), 'utf8')) as Plan;
const topology = topologyNamed(request.config.topology);
const folder = await mkdtemp(join(tmpdir(), 'by-hand-'));
$.env = { ...process.env, KUBECONFIG: join(folder, 'kubeconfig') };
const began = performance.now();
const [client, server] = ['by-hand-west', 'by-hand-east'] as const;
const clusters = [client, server];

/** A command that is typed, and waited for. */
async function type(what: string, command: () => Promise<unknown>): Promise<void> {
  const from = performance.now();
  await command();
  const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1).padStart(6);
  echo(`${seconds(from)} s  ${what} (${seconds(began).trim()} s)`);
}
const on = (cluster: string): string[] => ['--context', `kind-${cluster}`];
const written = async (file: string, objects: readonly object[]): Promise<string> => {
  const path = join(folder, file);
  await writeFile(path, objects.map((object) => stringify(object)).join('---\n'));
  return path;
};
const apply = async (cluster: string, file: string, objects: readonly object[]): Promise<unknown> =>
  await $`kubectl ${on(cluster)} apply --server-side -f ${await written(`${cluster}-${file}`, objects)}`.quiet();

/** What kind has to be told on machines with cgroup v1, and of a node image without kind's own network plugin. */
async function kindConfig(): Promise<object> {
  const { stdout } = await $`docker info -f ${cgroupFormat}`.quiet();
  return {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    networking: images.ownNode ? { disableDefaultCNI: true, podSubnet: '10.244.0.0/16' } : {},
    kubeadmConfigPatches: [stringify(kubeletConfig(stdout))],
  };
}

/** The last addresses of kind's network, where neither nodes nor the kept environment's pools are. */
async function poolOf(index: number): Promise<string> {
  const { stdout } = await $`docker network inspect kind -f ${'{{range .IPAM.Config}}{{.Subnet}} {{end}}'}`.quiet();
  const [a, b] = (stdout.split(' ').find((subnet) => subnet.includes('.')) ?? '').split('.');
  return `${a}.${b}.77.${10 * index + 1}-${a}.${b}.77.${10 * index + 9}`;
}

try {
  const authorities = await issueAuthorities(clusters, 30);
  const metallb = parseAllDocuments(await readFile(images.metallbManifest, 'utf8')).map(
    (document) => document.toJS() as KubernetesObject,
  );
  for (const [index, cluster] of clusters.entries()) {
    await type(`kind create cluster --name ${cluster}`, async () => {
      const config = await written(`${cluster}-kind.yaml`, [await kindConfig()]);
      await $`kind create cluster --name ${cluster} --config ${config} --image ${images.node} --wait 120s`.quiet();
    });
    await type('kubectl apply -f metallb-native.yaml', async () => {
      await apply(cluster, 'metallb.yaml', adaptManifest(metallb, images.metallb));
    });
    await type('kubectl rollout status -n metallb-system', async () => {
      await $`kubectl ${on(cluster)} -n metallb-system rollout status deployment/controller daemonset/speaker`.quiet();
    });
    await type('kubectl apply -f pool.yaml', async () => {
      const metadata = { name: 'pool', namespace: 'metallb-system' };
      const apiVersion = 'metallb.io/v1beta1';
      await apply(cluster, 'pool.yaml', [
        { apiVersion, kind: 'IPAddressPool', metadata, spec: { addresses: [await poolOf(index)] } },
        { apiVersion, kind: 'L2Advertisement', metadata, spec: { ipAddressPools: ['pool'] } },
      ]);
    });
    await type('kubectl create secret generic cacerts', async () => {
      const labels = { ...topology.systemLabels(cluster) };
      await apply(cluster, 'cacerts.yaml', [
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system', labels } },
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'cacerts', namespace: 'istio-system' },
          stringData: authorities[cluster],
        },
      ]);
    });
    await type('istioctl install', async () => {
      const operator = await written(`${cluster}-istio.yaml`, [topology.operator({ cluster, ...images.istio })]);
      await $`istioctl install ${on(cluster)} -y -f ${operator}`.quiet();
      await apply(cluster, 'gateways.yaml', topology.objects());
    });
  }
  await type('kubectl apply -f sleep.yaml, and wait', async () => {
    const annotations = { ...topology.clientAnnotations };
    await apply(client, 'sleep.yaml', [
      injectedNamespace('foo'),
      ...sleep({ namespace: 'foo', image: images.curl, annotations }),
    ]);
    await $`kubectl ${on(client)} -n foo rollout status deployment/sleep`.quiet();
  });
  await type('kubectl apply -f httpbin.yaml, and wait', async () => {
    const { image, port } = images.httpbin;
    await apply(server, 'httpbin.yaml', [injectedNamespace('bar'), ...httpbin({ namespace: 'bar', image, port })]);
    await $`kubectl ${on(server)} -n bar rollout status deployment/httpbin`.quiet();
  });
  const service = { host: 'httpbin.bar.global', name: 'httpbin-bar' };
  const port = { name: 'http', number: 8000, protocol: 'HTTP' } as const;
  await type('kubectl apply -f exposed-service.yaml', async () => {
    const exposed = { ...port, targetPort: images.httpbin.port };
    const selector = { app: 'httpbin' };
    await apply(server, 'exposed.yaml', [exposedService({ ...service, namespace: 'bar', port: exposed, selector })]);
  });
  await type('kubectl apply -f service-entry.yaml, and curl until it answers 200', async () => {
    const path = '{.status.loadBalancer.ingress[0].ip}';
    const gateway = await $`kubectl ${on(server)} -n istio-system get service istio-ingressgateway -o jsonpath=${path}`;
    const endpoints = [{ address: gateway.stdout.trim() }];
    const entry = remoteService({ ...service, namespace: 'foo', address: '240.0.0.2', port, endpoints });
    await apply(client, 'service-entry.yaml', [entry]);
    const call = ['curl', '-sSf', '-o', '/dev/null', 'http://httpbin.bar.global:8000/headers'];
    await retry(60, '500ms', () => $`kubectl ${on(client)} -n foo exec deploy/sleep -c sleep -- ${call}`.quiet());
  });
  echo(`${((performance.now() - began) / 1000).toFixed(1)} s: two meshed clusters, typed one command after the other`);
} finally {
  for (const cluster of clusters) await $`kind delete cluster --name ${cluster}`.quiet().nothrow();
  await rm(folder, { recursive: true, force: true });
}
