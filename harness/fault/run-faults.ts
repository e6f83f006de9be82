import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asMeshproofError, describeError, MeshproofError } from '../errors/meshproof-error.ts';
import { proxySyncs, waitForProxiesSynced } from '../mesh/readiness.ts';
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
  const healthy = await askIstioctl(environment);
  for (const fault of faults) {
    signal.throwIfAborted();
    const runFolder = join(folder, fault.id);
    await mkdir(runFolder, { recursive: true });
    const there = await connectedSamples(environment);
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
    await connected(environment, there, signal);
    // What is still red now is no longer the fault's work, and would be blamed on the next one.
    const after = firstRed(await playAll('after'));
    await keep(after === undefined ? outcome : { ...outcome, after });
  }
  return outcomes;
}

/** A control plane that was away is found again by its proxies when their own pauses between two tries are over. */
const reconnectWithin = 120_000;

/**
 * Which of the page's sample workloads are connected to their istiod, by cluster: a scenario that removes samples may
 * have left none.
 */
async function connectedSamples({ clusters, programs }: Environment): Promise<string[][]> {
  return await Promise.all(
    clusters.map(async (cluster) => {
      const proxies = await proxySyncs(programs.kubectl, cluster);
      return ['sleep', 'httpbin'].filter((name) => proxies.some(({ proxy = '' }) => isOfThePage(proxy, name)));
    }),
  );
}

/** The samples of the page are in these namespaces; those of other scenarios go when they end. */
const isOfThePage = (proxy: string, name: string): boolean =>
  proxy.startsWith(`${name}-`) && /\.(foo|bar)$/.test(proxy);

/**
 * Waits until every gateway is connected to its istiod again, and the sample workloads that were connected before.
 *
 * @throws MeshproofError MP604 that names those which are not.
 */
async function connected(
  environment: Environment,
  samples: readonly (readonly string[])[],
  signal: AbortSignal,
): Promise<void> {
  const { gateways } = topologyNamed(environment.topology);
  await Promise.all(
    environment.clusters.map((cluster, index) =>
      waitForProxiesSynced(environment.programs.kubectl, cluster, {
        gateways: [...gateways, ...(samples[index] ?? [])],
        within: reconnectWithin,
        signal,
      }),
    ),
  );
}
