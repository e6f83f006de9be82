import { join } from 'node:path';
import { compareFacts, factsOf, gather } from '../report/diff/config.ts';
import { compareTimings, compareVerdicts, unmatched, type RunDiff } from '../report/diff/run-diff.ts';
import type { RunData } from '../report/run-data.ts';
import { workloadOf } from '../report/workload-name.ts';
import { tapeFile, tapeLineSchema } from '../scenario/evidence.ts';
import { isMissing, largest, readInside } from '../tape/run-folder.ts';
import { openRun } from '../run/record/open-run.ts';

/**
 * Compares two runs: verdicts, times, and what each proxy's configuration means at the end of each scenario.
 *
 * @throws MeshproofError MP710 for a folder without a run; MP720 and MP721 for one that no run wrote.
 */
export async function diffRuns(baseFolder: string, headFolder: string): Promise<RunDiff> {
  const [base, head] = await Promise.all([openRun(baseFolder), openRun(headFolder)]);
  const [before, after] = await Promise.all([lastDumps(baseFolder, base.data), lastDumps(headFolder, head.data)]);
  const found: { proxy: string; changes: ReturnType<typeof compareFacts> }[] = [];
  for (const [proxy, file] of before) {
    const other = after.get(proxy);
    if (other === undefined) continue;
    const [was, is] = await Promise.all([readFacts(baseFolder, file), readFacts(headFolder, other)]);
    found.push({ proxy, changes: compareFacts(was, is) });
  }
  const without = [...new Set([...before.keys(), ...after.keys()])].length - found.length;
  return {
    base: nameOf(base.data),
    head: nameOf(head.data),
    ...compareVerdicts(base.data, head.data),
    unmatched: unmatched(base.data, head.data),
    timings: compareTimings(base.data, head.data),
    config: gather(found),
    dumps: {
      compared: found.length,
      note: without === 0 ? undefined : `${without} dumps are in one of the runs only.`,
    },
  };
}

const nameOf = ({ run, versions }: RunData): string => `${versions?.istio ?? 'unknown mesh'} (run ${run})`;

const readFacts = async (run: string, file: string): Promise<ReturnType<typeof factsOf>> =>
  factsOf(JSON.parse(await readInside(run, file, largest.answer)), join(run, file));

/**
 * The last dump of each workload's proxy in each scenario: "direct-sidecar · west foo/sleep" → file, relative to the
 * run.
 */
async function lastDumps(folder: string, { scenarios }: RunData): Promise<Map<string, string>> {
  const dumps = new Map<string, string>();
  for (const { id } of scenarios) {
    const tape = await readInside(folder, join('evidence', id, tapeFile), largest.tape).catch((error: unknown) => {
      // A scenario that was not supported asked nothing.
      if (isMissing(error)) return '';
      throw error;
    });
    for (const text of tape.split('\n').filter((line) => line.includes('config_dump'))) {
      const line = tapeLineSchema.parse(JSON.parse(text));
      if (!('question' in line) || line.file === undefined) continue;
      const proxy = /^Envoy of (.+): config_dump/.exec(line.question)?.[1];
      if (proxy !== undefined) dumps.set(`${id} · ${workloadOf(proxy)}`, join('evidence', id, line.file));
    }
  }
  return dumps;
}
