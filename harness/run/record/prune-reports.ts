import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runName } from './killed-runs.ts';
import { RunRecord } from './run-record.ts';

const dayInMilliseconds = 86_400_000;

/**
 * Removes old runs from a reports folder. The rule: the newest `keep` runs stay, of these those that are not older than
 * `days`, and the very newest in any case; and so do a run that is still at work, the run that made an environment
 * which is kept, and every folder that is not one that meshproof wrote: another name, no run.json that can be read, or
 * one of another run.
 *
 * @param keep how many stay; 1 at least
 * @param days how long ago a run may have begun; without it age does not matter
 * @param keptRuns folders of the runs that made kept environments
 * @returns the names of those that were removed
 */
export async function pruneReports(
  reports: string,
  { keep, days = Infinity }: { readonly keep: number; readonly days?: number | undefined },
  keptRuns: readonly string[],
): Promise<string[]> {
  const names = (await readdir(reports, { withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isDirectory() && runName.test(entry.name))
    .map(({ name }) => name)
    .sort();
  const removed: string[] = [];
  const [oldest, surplus] = [Date.now() - days * dayInMilliseconds, names.length - Math.max(keep, 1)];
  for (const [index, name] of names.slice(0, -1).entries()) {
    const folder = join(reports, name);
    const record = await RunRecord.open(folder).catch(() => undefined);
    if (record?.data.run !== name || record.data.verdict === 'running' || keptRuns.includes(record.folder)) continue;
    if (index >= surplus && Date.parse(record.data.startedAt) >= oldest) continue;
    await rm(folder, { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}
