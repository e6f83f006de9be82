import { ClusterApi } from '../cluster/cluster-api.ts';
import { offers } from '../cluster/providers/registry.ts';
import { clusterMemory } from '../environment/cluster-memory.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { acknowledgedNow, calm, heldByAll, proxiesOf, type Acknowledged, type ProxyQuestions } from '../mesh/held.ts';
import { addFigures, istiodFigures } from '../mesh/istiod-figures.ts';
import type { Progress } from '../progress/progress.ts';
import type { Environment, EnvironmentCluster } from '../scenario/environment.ts';
import {
  clusterOf,
  growingEntry,
  makeGrowthNamespace,
  patternOf,
  removeGrowthNamespace,
  type GrowingService,
} from './growing-services.ts';
import type { GrowingMesh, Spent } from './growth.ts';

/** Milliseconds until every proxy holds a change, and how much more each further service of it may take. */
const heldWithin = { one: 60_000, eachMore: 200 } as const;
const calmWithin = 120_000;

/**
 * The mesh of a kept environment, to be measured.
 *
 * @throws MeshproofError MP509 for a mesh that meshproof did not install.
 */
export function growingMesh(environment: Environment, progress: Progress, signal: AbortSignal): GrowingMesh {
  const { provider, clusters, programs } = environment;
  if (!offers(provider, 'ownsMesh'))
    throw new MeshproofError('MP509', {
      what: 'how a mesh grows is measured with thousands of objects, on a mesh that meshproof installed',
      seen: `provider: ${provider}`,
    });
  const { kubectl } = programs;
  const members = clusters.map((cluster) => ({
    cluster,
    api: new ClusterApi(cluster),
    peers: peersOf(cluster, clusters),
    proxies: proxiesOf(kubectl, cluster),
  }));
  const offerIn = async (
    { cluster, api, peers, proxies }: (typeof members)[number],
    services: readonly GrowingService[],
    before: Acknowledged,
    taskSignal: AbortSignal,
  ): Promise<number> => {
    await api.applyAll(
      services.map((service) => growingEntry(service, peers)),
      taskSignal,
    );
    return await heldByAll(proxies, {
      cluster: cluster.name,
      before,
      names: services.map(clusterOf),
      pattern: patternOf(services),
      within: heldWithin.one + services.length * heldWithin.eachMore,
      signal: taskSignal,
    });
  };
  return {
    begin: async () => {
      await allOf(members, signal, ({ api }, taskSignal) => makeGrowthNamespace(api, taskSignal));
    },
    offer: async (services) => {
      const before = await allOf(members, signal, ({ proxies }) => acknowledgedNow(proxies));
      const begun = performance.now();
      const moments = await allOf(members, signal, (member, taskSignal, index) =>
        offerIn(member, services, before[index] ?? new Map(), taskSignal),
      );
      return (Math.max(...moments) - begun) / 1000;
    },
    calm: async () => {
      await allOf(members, signal, ({ cluster, proxies }, taskSignal) =>
        calm(proxies, { cluster: cluster.name, within: calmWithin, signal: taskSignal }),
      );
    },
    spent: async (): Promise<Spent> => {
      const istiods = await Promise.all(clusters.map((cluster) => istiodFigures(kubectl, cluster)));
      const { user, system } = process.cpuUsage();
      return {
        istiods: addFigures(istiods),
        harnessCpuSeconds: (user + system) / 1e6,
        memoryBytes: await clusterMemory(environment),
      };
    },
    end: async () => {
      progress.note('removing what was added');
      // One that cannot be reached keeps none of the others from being cleaned up.
      await allOf(members, new AbortController().signal, ({ api }) => removeGrowthNamespace(api));
    },
  };
}

/**
 * Does something in every cluster, side by side. The first failure stops the others, and is thrown once all have ended:
 * nobody writes any more when what was written is removed.
 */
async function allOf<M, T>(
  members: readonly M[],
  signal: AbortSignal,
  work: (member: M, signal: AbortSignal, index: number) => Promise<T>,
): Promise<T[]> {
  const siblings = new AbortController();
  const either = AbortSignal.any([signal, siblings.signal]);
  const outcomes = await Promise.allSettled(
    members.map(async (member, index) => {
      try {
        return await work(member, either, index);
      } catch (error) {
        siblings.abort(error);
        throw error;
      }
    }),
  );
  return outcomes.map((outcome) => {
    if (outcome.status === 'fulfilled') return outcome.value;
    throw either.reason ?? outcome.reason;
  });
}

/** How many proxies are connected to the istiods of an environment. */
export async function countProxies({ programs, clusters }: Environment): Promise<number> {
  const questions: ProxyQuestions[] = clusters.map((cluster) => proxiesOf(programs.kubectl, cluster));
  const syncs = await Promise.all(questions.map((one) => one.syncs()));
  return syncs.flat().length;
}

/** The gateways of the other clusters, by which a cluster reaches their services. */
function peersOf(
  { name }: EnvironmentCluster,
  clusters: readonly EnvironmentCluster[],
): readonly NonNullable<EnvironmentCluster['gateway']>[] {
  const peers = clusters.flatMap((cluster) => (cluster.name === name ? [] : (cluster.gateway ?? [])));
  if (peers.length === 0)
    throw new MeshproofError('MP105', {
      what: `the kept environment does not know the gateways of the peers of ${name}`,
      remedy: 'Remove it with `meshproof down`, then bring one up.',
    });
  return peers;
}
