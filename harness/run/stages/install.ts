import { writeFile } from 'node:fs/promises';
import type { ClusterApi } from '../../cluster/cluster-api.ts';
import type { KubernetesObject } from '../../cluster/kubernetes-object.ts';
import { offers } from '../../cluster/providers/registry.ts';
import { manifestPath, writeEnvironment } from '../../environment/state.ts';
import {
  applyMesh,
  gatewaysOf,
  reachedAt,
  renderMesh,
  waitForGateways,
  type GatewayAddress,
} from '../../mesh/install.ts';
import { systemNamespace } from '../../mesh/operator.ts';
import { topologyNamed } from '../../mesh/topologies/registry.ts';
import type { Task } from '../../progress/progress.ts';
import type { StepResult } from '../../scenario/claims.ts';
import type { Environment } from '../../scenario/environment.ts';
import { locate } from '../../toolchain/toolchain.ts';
import type { Plan } from '../plan.ts';
import type { Stage } from '../request.ts';
import { installedSteps } from '../set-up-steps.ts';
import { provideAuthorities } from './authorities.ts';
import { connect, keepBaselines, proveReady } from './connect.ts';
import { plannedEnvironment } from './planned-environment.ts';
import { sampleWorkloads } from './sample-workloads.ts';
import type { Provisioned } from './provision.ts';

const meshWithin = 180_000;

/** What the installation of the mesh needs beside the clusters; empty where Istio is already installed. */
interface PreparedMesh {
  readonly authorities: Awaited<ReturnType<typeof provideAuthorities>>;
  /** The manifest of each cluster, rendered while the clusters boot. */
  readonly manifests: ReadonlyMap<string, Promise<KubernetesObject[]>>;
}

/**
 * Makes the certificate authorities, and begins to render the manifests.
 *
 * @throws MeshproofError when an authority that is kept cannot be used.
 */
export async function prepareMesh(plan: Plan, signal: AbortSignal): Promise<PreparedMesh> {
  const { config } = plan.request;
  if (!offers(config.provider, 'ownsMesh')) return { authorities: {}, manifests: new Map() };
  const authorities = await provideAuthorities(config);
  const istioctl = locate(plan.toolchain, 'istioctl');
  const manifests = new Map<string, Promise<KubernetesObject[]>>();
  for (const cluster of config.clusters) {
    const how = { cluster, ...plan.images.istio };
    const rendering = renderMesh(istioctl, topologyNamed(config.topology), how, signal);
    // Awaited once the cluster is there; until then a failure must not count as unhandled.
    rendering.catch(() => undefined);
    manifests.set(cluster, rendering);
  }
  return { authorities, manifests };
}

/**
 * Installs the mesh in clusters that answer, connects the control planes, and proves everything ready. MetalLB,
 * istiod, the gateways and the sample workloads start side by side.
 *
 * @returns the environment, remembered on disk as ready.
 * @throws MeshproofError MP6xx for what does not become ready in time.
 */
export async function install(
  plan: Plan,
  { addresses, apis, loadBalancer }: Provisioned,
  { authorities, manifests }: PreparedMesh,
  stage: Stage,
): Promise<Environment> {
  const { record, progress, signal } = stage;
  const { config } = plan.request;
  const topology = topologyNamed(config.topology);
  const ownsMesh = offers(config.provider, 'ownsMesh');
  const gateways: Record<string, GatewayAddress> = {};
  const setUp: StepResult[] = [];
  const controlPlane = (api: ClusterApi, index: number): Task => ({
    title: `${api.address.name} control plane`,
    run: (say, taskSignal) =>
      record.phase('mesh', async () => {
        const authority = authorities[api.address.name];
        if (ownsMesh && authority !== undefined) {
          say('applying the control plane');
          const objects = (await manifests.get(api.address.name)) ?? [];
          await writeFile(manifestPath(config.name, api.address.name), JSON.stringify(objects));
          const replies = await applyMesh(api, objects, authority, topology, taskSignal);
          setUp.push(...installedSteps(api.address.name, replies));
        }
        say('waiting for istiod');
        await api.waitForDeployment(systemNamespace, 'istiod', {
          within: meshWithin,
          code: 'MP604',
          signal: taskSignal,
        });
        // The sample workloads start beside the gateways: the injector is there from here on.
        if (ownsMesh) await api.applyAll(sampleWorkloads(plannedEnvironment(plan, addresses), index), taskSignal);
        say('waiting for the gateways');
        const present = ownsMesh ? topology.gateways : await gatewaysOf(api, topology);
        await waitForGateways(api, { within: meshWithin, signal: taskSignal, gateways: present });
      }),
  });
  const balancing = apis.map((api) =>
    loadBalancer(api, async (taskSignal) => {
      const how = { within: meshWithin, signal: taskSignal };
      gateways[api.address.name] = await reachedAt(api, topology.ingressGateway, how);
    }),
  );
  // MetalLB and the mesh start at once; when one of them fails, the others have nothing left to wait for.
  await progress.group('mesh', [...balancing, ...apis.map(controlPlane)], { signal });
  const environment: Environment = { ...plannedEnvironment(plan, addresses, gateways), setUp, status: 'ready' };
  if (ownsMesh) await record.phase('mesh', () => connect(environment, apis, stage));
  await record.phase('mesh', () => proveReady(environment, stage));
  await keepBaselines(environment, apis);
  await writeEnvironment(environment);
  return environment;
}
