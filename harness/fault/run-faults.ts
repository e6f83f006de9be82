import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asMeshproofError, describeError, MeshproofError } from '../errors/meshproof-error.ts';
import { calm, proxiesOf } from '../mesh/held.ts';
import { waitForProxiesSynced } from '../mesh/readiness.ts';
import { sampleWorkloads } from '../run/stages/sample-workloads.ts';
import { topologyNamed } from '../mesh/topologies/registry.ts';
import { loadScenario } from '../config/scenario-files.ts';
import { useMatchers } from '../compare/use-matchers.ts';
import type { ScenarioResult } from '../scenario/claims.ts';
import type { Environment } from '../scenario/environment.ts';
import { play } from '../scenario/play.ts';
import type { Fault } from './fault.ts';
import { inject } from './inject.ts';
import { askIstioctl, opinionsOf } from './istioctl.ts';
import { firstRed, judge, type FaultOutcome } from './judge.ts';

export interface FaultRunOptions {
  readonly environment: Environment;
  readonly faults: readonly Fault[];
  /** Folder that gets a folder of evidence for each fault. */
  readonly folder: string;
  /** Told of each fault as it ends. */
  readonly ended: (outcome: FaultOutcome) => void;
  readonly signal: AbortSignal;
}

/** Name of the file in the folder of a run of faults that holds what became of each. */
export const outcomesFile = 'outcomes.json';

/** The scenario that notices most faults, and the shortest that goes the whole way. */
const usual = 'direct-sidecar';

/**
 * Puts each fault into a kept environment, plays what must notice it, asks istioctl, and takes it out again, one after
 * the other. The environment is as it was after each, also when something goes wrong on the way: what noticed the fault
 * is played once more, and must be green.
 *
 * A fault that cannot be put in is told, and the others are still played.
 *
 * @throws MeshproofError MP903 for a fault that cannot be taken out.
 */
export async function runFaults({
  environment,
  faults,
  folder,
  ended,
  signal,
}: FaultRunOptions): Promise<FaultOutcome[]> {
  const assertions = await useMatchers();
  const outcomes: FaultOutcome[] = [];
  const keep = async (outcome: FaultOutcome): Promise<void> => {
    outcomes.push(outcome);
    // After each, so that a run that is stopped leaves what it found.
    await writeFile(join(folder, outcomesFile), `${JSON.stringify(outcomes, undefined, 1)}\n`);
    ended(outcome);
  };
  // A run that cleaned up may have been the last one here.
  await redeploySamples(environment, signal);
  await connected(environment, signal);
  const healthy = await askIstioctl(environment);
  for (const fault of faults) {
    signal.throwIfAborted();
    const runFolder = join(folder, fault.id);
    await mkdir(runFolder, { recursive: true });
    const undo = await inject(fault, environment).catch((error: unknown) => asMeshproofError(error));
    if (undo instanceof MeshproofError) {
      const notPutIn = describeError(undo);
      await keep({
        id: fault.id,
        caught: false,
        hop: false,
        cause: false,
        told: notPutIn,
        seconds: 0,
        killed: [],
        notPutIn,
      });
      continue;
    }
    const playAll = async (below: string): Promise<ScenarioResult[]> => {
      const played: ScenarioResult[] = [];
      for (const id of fault.noticedBy ?? [usual])
        played.push(
          await play(await loadScenario(id), { environment, runFolder: join(runFolder, below), signal, assertions }),
        );
      return played;
    };
    const outcome = await (async (): Promise<FaultOutcome> => {
      try {
        const judged = judge(fault, environment.clusterNames, await playAll('.'));
        const now = await askIstioctl(environment);
        return { ...judged, istioctl: opinionsOf(fault, environment.clusterNames, healthy, now) };
      } finally {
        await undo();
      }
    })();
    await redeploySamples(environment, signal);
    await connected(environment, signal);
    // What is still red now is no longer the fault's work, and would be blamed on the next one.
    const after = firstRed(await playAll('after'));
    await redeploySamples(environment, signal);
    await keep(after === undefined ? outcome : { ...outcome, after });
  }
  return outcomes;
}

/** Puts back what every fault finds in an environment, and the scenario that cleans up takes away. */
async function redeploySamples(environment: Environment, signal: AbortSignal): Promise<void> {
  const { ClusterApi } = await import('../cluster/cluster-api.ts');
  await Promise.all(
    environment.clusters.map(async (cluster, index) => {
      const api = new ClusterApi(cluster);
      const samples = sampleWorkloads(environment, index);
      const there = await Promise.all(samples.map((object) => api.read(object)));
      await api.applyAll(
        samples.filter((_, at) => there[at] === undefined),
        signal,
      );
    }),
  );
}

/** A control plane that was away is found again by its proxies when their own pauses between two tries are over. */
const reconnectWithin = 120_000;

/**
 * Waits until every gateway and both workloads of the usual scenario are connected to their istiod again, and it sends
 * them nothing any more.
 *
 * @throws MeshproofError MP604 that names those which are not.
 */
async function connected(environment: Environment, signal: AbortSignal): Promise<void> {
  const { gateways } = topologyNamed(environment.topology);
  const workloads = ['sleep', 'httpbin'];
  await Promise.all(
    environment.clusters.map((cluster, index) =>
      waitForProxiesSynced(environment.programs.kubectl, cluster, {
        gateways: [...gateways, ...workloads.slice(index, index + 1)],
        within: reconnectWithin,
        signal,
      }),
    ),
  );
  // What was taken out a moment ago may not have been pushed yet: a scenario that holds what is then against what was
  // before would find its own beginning different.
  await Promise.all(
    environment.clusters.map((cluster) =>
      calm(proxiesOf(environment.programs.kubectl, cluster), {
        cluster: cluster.name,
        within: reconnectWithin,
        signal,
      }),
    ),
  );
}
