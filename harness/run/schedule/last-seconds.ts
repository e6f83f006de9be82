import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scenario } from '../../scenario/scenario.ts';
import { runName } from '../record/killed-runs.ts';
import { RunRecord } from '../record/run-record.ts';

/** Of that many runs, the newest ones, it is read what scenarios took. */
const looksBack = 3;

/**
 * What a scenario takes where nobody has seen it, in seconds, roughly: those that take control planes away wait for
 * them to return, those that change the cluster wait for its DNS.
 */
export const usualSeconds = ({ meta: { needs } }: Scenario): number =>
  needs.ownsMesh === true ? 60 : needs.ownsCluster === true ? 30 : 8;

/**
 * What each scenario took the last time that it was played, in seconds.
 *
 * @param reports folder of all runs
 */
export async function lastSeconds(reports: string): Promise<ReadonlyMap<string, number>> {
  const names = (await readdir(reports).catch(() => [])).filter((name) => runName.test(name)).sort();
  const records = await Promise.all(
    // The run that asks is the newest one.
    names.slice(-looksBack - 1).map((name) => RunRecord.open(join(reports, name)).catch(() => undefined)),
  );
  const seconds = new Map<string, number>();
  for (const record of records)
    for (const { id, seconds: took, claims } of record?.data.scenarios ?? [])
      if (claims.some(({ verdict }) => verdict === 'passed')) seconds.set(id, took);
  return seconds;
}
