import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asMeshproofError, describeError, MeshproofError } from '../errors/meshproof-error.ts';
import { loadScenario } from '../run/scenario-files.ts';
import { useMatchers } from '../run/use-matchers.ts';
import type { ScenarioResult } from '../scenario/claims.ts';
import type { Environment } from '../scenario/environment.ts';
import { play } from '../scenario/play.ts';
import type { Fault } from './fault.ts';
import { inject } from './inject.ts';
import { judge, type FaultOutcome } from './judge.ts';

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
 * Puts each fault into a kept environment, plays what must notice it, and takes it out again, one after the other. The
 * environment is as it was after each, also when something goes wrong on the way.
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
    try {
      const played: ScenarioResult[] = [];
      for (const id of fault.noticedBy ?? [usual])
        played.push(await play(await loadScenario(id), { environment, runFolder, signal, assertions }));
      await keep(judge(fault, environment.clusterNames, played));
    } finally {
      await undo();
    }
  }
  return outcomes;
}
