import { join } from 'node:path';
import type { ClusterAddress } from '../../cluster/cluster-address.ts';
import { ClusterApi } from '../../cluster/cluster-api.ts';
import type { Making, Provider } from '../../cluster/providers/provider.ts';
import { offers } from '../../cluster/providers/registry.ts';
import { keepOwner } from '../../environment/owner.ts';
import { providerOf } from '../../environment/provider-of.ts';
import { writeEnvironment } from '../../environment/state.ts';
import type { Task } from '../../progress/progress.ts';
import { Docker } from '../../toolchain/docker.ts';
import { locate } from '../../toolchain/toolchain.ts';
import type { Plan } from '../plan.ts';
import type { Stage } from '../request.ts';
import { plannedEnvironment } from './planned-environment.ts';

/** Clusters that answer, without a mesh. */
export interface Provisioned {
  readonly addresses: readonly ClusterAddress[];
  readonly apis: readonly ClusterApi[];
  /** The task that gives a cluster's LoadBalancer services their addresses. */
  readonly loadBalancer: (api: ClusterApi, whenStarted: (signal: AbortSignal) => Promise<void>) => Task;
}

/**
 * The provider of the clusters, which says beforehand whether they can be had.
 *
 * @throws MeshproofError as `check` of the provider does.
 */
export async function openProvider({ request: { config }, docker, lab, toolchain }: Plan): Promise<Provider> {
  if (offers(config.provider, 'ownsMesh')) await keepOwner(config.name);
  const provider = await providerOf(config, {
    docker: new Docker(docker, lab?.dockerHost),
    program: locate(toolchain, 'kind'),
  });
  await provider.check();
  return provider;
}

/**
 * Creates the clusters, or opens those that are there. The environment is on disk from before the first one, so that
 * `down` finds what a killed run made.
 *
 * @throws MeshproofError MP503 with the words of what creates them.
 */
export async function provision(
  plan: Plan,
  provider: Provider,
  { record, progress, signal }: Stage,
): Promise<Provisioned> {
  await writeEnvironment(plannedEnvironment(plan, []));
  const making: Omit<Making, 'signal'> = {
    images: plan.images,
    evidence: join(plan.runFolder, 'evidence', 'clusters'),
  };
  const addresses = await record.phase('clusters', () => provider.create({ ...making, signal }, progress));
  await writeEnvironment(plannedEnvironment(plan, addresses));
  return {
    addresses,
    apis: addresses.map((address) => new ClusterApi(address)),
    loadBalancer: (api, whenStarted) => ({
      title: `${api.address.name} load balancer`,
      run: (say, taskSignal) =>
        record.phase('metallb', async () => {
          say('applying MetalLB');
          await provider.startLoadBalancer(api.address, { ...making, signal: taskSignal });
          say('waiting for the gateway’s address');
          await whenStarted(taskSignal);
        }),
    }),
  };
}
