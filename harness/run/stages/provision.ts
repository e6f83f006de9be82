import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClusterApi, type ClusterAddress } from '../../cluster/cluster-api.ts';
import type { KubernetesObject } from '../../cluster/kubernetes-object.ts';
import type { Making } from '../../cluster/providers/provider.ts';
import { offers } from '../../cluster/providers/registry.ts';
import { httpbin, injectedNamespace, sleep } from '../../cluster/workloads.ts';
import { systemNamespace } from '../../mesh/operator.ts';
import {
  applyMesh,
  gatewayAddress,
  gatewaysOf,
  renderMesh,
  waitForGateways,
  type GatewayAddress,
} from '../../mesh/install.ts';
import { waitForGatewayReachable, waitForProxiesSynced } from '../../mesh/readiness.ts';
import { topologyNamed } from '../../mesh/topologies/registry.ts';
import type { Progress, Task } from '../../progress/progress.ts';
import type { StepResult } from '../../scenario/claims.ts';
import type { Environment } from '../../scenario/environment.ts';
import { takeBaseline } from '../../scenario/look-around.ts';
import { Docker } from '../../toolchain/docker.ts';
import { locate } from '../../toolchain/toolchain.ts';
import { provideAuthorities } from './authorities.ts';
import { keepOwner } from '../../environment/owner.ts';
import type { Plan } from '../plan.ts';
import { providerOf } from '../../environment/provider-of.ts';
import type { RunRecord } from '../record/run-record.ts';
import { installedSteps } from '../set-up-steps.ts';
import { baselinePath, manifestPath, writeEnvironment } from '../../environment/state.ts';

const meshWithin = 180_000;

/**
 * Brings two or more meshed clusters up and proves them ready. What does not depend on each other runs side by side:
 * manifests render and CAs are made while the clusters boot; MetalLB, istiod, the gateways and the sample workloads all
 * start at once.
 *
 * @returns the environment, already remembered on disk as ready.
 */
export async function bringUp(
  plan: Plan,
  record: RunRecord,
  progress: Progress,
  signal: AbortSignal,
): Promise<Environment> {
  const { config, toolchain } = plan;
  const topology = topologyNamed(config.topology);
  const ownsMesh = offers(config.provider, 'ownsMesh');
  if (ownsMesh) await keepOwner(config.name);
  const docker = new Docker(plan.docker, plan.lab?.dockerHost);
  const provider = await providerOf(config, { docker, program: locate(toolchain, 'kind') });
  await provider.check();
  const authorities = ownsMesh ? await provideAuthorities(config) : {};
  const creating = environmentOf(plan, []);
  await writeEnvironment(creating);

  const rendered = new Map<string, Promise<KubernetesObject[]>>();
  if (ownsMesh) {
    for (const cluster of config.clusters) {
      const rendering = renderMesh(locate(toolchain, 'istioctl'), topology, { cluster, ...plan.images.istio }, signal);
      // Awaited once the cluster is there; until then a failure must not count as unhandled.
      rendering.catch(() => undefined);
      rendered.set(cluster, rendering);
    }
  }
  const making: Omit<Making, 'signal'> = {
    images: plan.images,
    evidence: join(plan.runFolder, 'evidence', 'clusters'),
  };
  const addresses = await record.phase('clusters', () => provider.create({ ...making, signal }, progress));
  await writeEnvironment(environmentOf(plan, addresses));
  const apis = addresses.map((address) => new ClusterApi(address));
  const gateways: Record<string, GatewayAddress> = {};
  const setUp: StepResult[] = [];
  const loadBalancer = (api: ClusterApi): Task => ({
    title: `${api.address.name} load balancer`,
    run: (say, taskSignal) =>
      record.phase('metallb', async () => {
        say('applying MetalLB');
        await provider.startLoadBalancer(api.address, { ...making, signal: taskSignal });
        say('waiting for the gateway’s address');
        gateways[api.address.name] = await gatewayAddress(api, { within: meshWithin, signal: taskSignal });
      }),
  });
  const controlPlane = (api: ClusterApi, index: number): Task => ({
    title: `${api.address.name} control plane`,
    run: (say, taskSignal) =>
      record.phase('mesh', async () => {
        const authority = authorities[api.address.name];
        if (ownsMesh && authority !== undefined) {
          say('applying the control plane');
          const objects = (await rendered.get(api.address.name)) ?? [];
          await writeFile(manifestPath(config.name, api.address.name), JSON.stringify(objects));
          setUp.push(
            ...installedSteps(api.address.name, await applyMesh(api, objects, authority, topology, taskSignal)),
          );
        }
        say('waiting for istiod');
        await api.waitForDeployment(systemNamespace, 'istiod', {
          within: meshWithin,
          code: 'MP604',
          signal: taskSignal,
        });
        // The sample workloads start beside the gateways: the injector is there from here on.
        if (ownsMesh) await api.applyAll(sampleWorkloads(plan, index), taskSignal);
        say('waiting for the gateways');
        const present = ownsMesh ? topology.gateways : await gatewaysOf(api, topology);
        await waitForGateways(api, { within: meshWithin, signal: taskSignal, gateways: present });
      }),
  });
  // MetalLB and the mesh start at once; when one of them fails, the others have nothing left to wait for.
  await progress.group('mesh', [...apis.map(loadBalancer), ...apis.map(controlPlane)], { signal });
  const environment: Environment = { ...environmentOf(plan, addresses, gateways), setUp, status: 'ready' };
  if (ownsMesh) await record.phase('mesh', () => connect(environment, apis, progress, signal));
  await record.phase('mesh', () => proveReady(environment, progress, signal));
  await keepBaselines(environment, apis);
  await writeEnvironment(environment);
  return environment;
}

/** Lets the control planes know of each other, as their topology has it. */
async function connect(
  environment: Environment,
  apis: readonly ClusterApi[],
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const { programs, topology, clusters } = environment;
  const task: Task = {
    title: `connect the control planes (${topology})`,
    run: async (say, taskSignal) => {
      const how = { programs, within: 60_000, signal: taskSignal };
      say('letting each know of the others');
      await topologyNamed(topology).connect(apis, how);
      say('waiting until each has read the others');
      await topologyNamed(topology).ready(clusters, how);
    },
  };
  await progress.group('mesh', [task], { signal });
}

/** Takes down what each cluster is like now: causes of later failures are found by what is no longer so. */
async function keepBaselines(environment: Environment, apis: readonly ClusterApi[]): Promise<void> {
  if (!offers(environment.provider, 'ownsMesh')) return;
  await Promise.all(
    apis.map(async (api) => {
      const baseline = await takeBaseline(environment, api);
      await writeFile(baselinePath(environment.name, api.address.name), JSON.stringify(baseline), { mode: 0o600 });
    }),
  );
}

/** The walkthrough's sample services: sleep in the first cluster, httpbin in the second. */
function sampleWorkloads(plan: Plan, index: number): KubernetesObject[] {
  const { curl, httpbin: server } = plan.images;
  if (index === 0)
    return [
      injectedNamespace('foo'),
      ...sleep({
        namespace: 'foo',
        image: curl,
        annotations: { ...topologyNamed(plan.config.topology).clientAnnotations },
      }),
    ];
  if (index === 1)
    return [injectedNamespace('bar'), ...httpbin({ namespace: 'bar', image: server.image, port: server.port })];
  return [];
}

function environmentOf(
  plan: Plan,
  addresses: readonly ClusterAddress[],
  gateways: Readonly<Record<string, GatewayAddress>> = {},
): Environment {
  const { config, toolchain, images, lab } = plan;
  return {
    name: config.name,
    provider: config.provider,
    topology: config.topology,
    status: 'creating',
    createdAt: new Date().toISOString(),
    runFolder: plan.runFolder,
    // The daemon that the docker context led to when the clusters were made: later commands ask that one.
    ...(lab === undefined
      ? { dockerHost: process.env['DOCKER_HOST'] }
      : { networkNamespace: lab.namespacePath, dockerHost: lab.dockerHost }),
    programs: {
      kubectl: locate(toolchain, 'kubectl'),
      istioctl: locate(toolchain, 'istioctl'),
      kind: locate(toolchain, 'kind'),
      docker: plan.docker,
    },
    versions: { kubernetes: toolchain.kubernetesVersion, istio: toolchain.istioVersion, edition: toolchain.edition },
    images: {
      httpbin: images.httpbin.image,
      httpbinPort: images.httpbin.port,
      curl: images.curl,
      node: images.node,
      coredns: images.coredns,
    },
    clusterNames: [...config.clusters],
    setUp: [],
    clusters: addresses.map((address) => ({
      ...address,
      ...(offers(config.provider, 'ownsMesh')
        ? {
            manifest: manifestPath(config.name, address.name),
            baseline: baselinePath(config.name, address.name),
          }
        : {}),
      gateway: gateways[address.name],
    })),
  };
}

/**
 * Readiness from the mesh's own words: every proxy has acknowledged what istiod sent, and each gateway answers its
 * peers.
 */
async function proveReady(environment: Environment, progress: Progress, signal: AbortSignal): Promise<void> {
  await progress.group(
    'mesh',
    environment.clusters.map((cluster) => ({
      title: `${cluster.name} ready`,
      run: async (say, taskSignal) => {
        say('waiting for all proxies to acknowledge');
        const topology = topologyNamed(environment.topology);
        const gateways = offers(environment.provider, 'ownsMesh')
          ? topology.gateways
          : await gatewaysOf(new ClusterApi(cluster), topology);
        await waitForProxiesSynced(environment.programs.kubectl, cluster, {
          within: 60_000,
          signal: taskSignal,
          gateways,
        });
        for (const peer of environment.clusters.filter(({ name }) => name !== cluster.name)) {
          say(`calling the gateway of ${peer.name}`);
          await waitForGatewayReachable(
            environment.programs.kubectl,
            cluster,
            { name: peer.name, address: peer.gateway?.address ?? '' },
            { within: 30_000, signal: taskSignal },
          );
        }
      },
    })),
    { signal },
  );
}
