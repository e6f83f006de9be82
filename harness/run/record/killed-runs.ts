import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, MeshproofError } from '../../errors/meshproof-error.ts';
import { isAlive } from '../../process/process-identity.ts';
import { RunRecord, signOfLife } from './run-record.ts';

/** How meshproof names the folder of a run. */
export const runName = /^\d{8}-\d{6}-\d+$/;

/** A run on another machine, or in another container, counts as dead after this silence; in milliseconds. */
const silence = 20 * signOfLife;

/**
 * Whether a record says that its run goes on: without a verdict, or with all claims proven and before the environment
 * was taken down. That a claim failed stays true whatever happens then.
 */
const isOpen = ({ data: { verdict, endedAt, process: at } }: RunRecord): boolean =>
  verdict === 'running' || (verdict === 'passed' && endedAt === undefined && at !== undefined);

/**
 * Closes the record of a run that was killed: it says “running”, or was to take its environment down yet, and its
 * process is gone. It becomes an error, with
 * when it was last alive.
 *
 * @returns the record, closed when it had to be
 */
export async function closedIfKilled(record: RunRecord): Promise<RunRecord> {
  const { process: at } = record.data;
  if (!isOpen(record)) return record;
  const { mtimeMs, mtime } = await stat(record.file);
  const alive = at === undefined ? undefined : await isAlive(at);
  if (alive ?? Date.now() - mtimeMs < silence) return record;
  const error = new MeshproofError('MP902', {
    what: `the run ${record.data.run} ended without a word`,
    expected: 'a verdict',
    seen: `last alive ${mtime.toISOString()}${at === undefined ? '' : `, process ${at.pid}`}`,
    evidence: record.folder,
  });
  // A folder that cannot be written to, a fixture say, is reported all the same.
  await record.note({
    verdict: 'error',
    error: { code: error.code, message: describeError(error) },
    endedAt: mtime.toISOString(),
  });
  return record;
}

/**
 * Closes the records of all killed runs of a reports folder.
 *
 * @returns their names
 */
export async function closeKilledRuns(reports: string): Promise<string[]> {
  const names = (await readdir(reports).catch(() => [])).filter((name) => runName.test(name));
  const closed: string[] = [];
  for (const name of names) {
    // What is no run, or a broken one, is left to whoever opens it by name.
    const record = await RunRecord.open(join(reports, name)).catch(() => undefined);
    if (record === undefined || !isOpen(record)) continue;
    await closedIfKilled(record);
    if (record.data.error?.code === 'MP902') closed.push(name);
  }
  return closed;
}
