import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { closedIfKilled, runName } from './killed-runs.ts';
import { RunRecord } from './run-record.ts';

/**
 * The folder of the latest run.
 *
 * @param reports folder of all runs
 * @throws MeshproofError MP710 when there is none.
 */
export async function latestRun(reports: string): Promise<string> {
  const names = (await readdir(reports).catch(() => [])).filter((name) => runName.test(name)).sort();
  const last = names.at(-1);
  if (last === undefined) throw new MeshproofError('MP710', { what: `there is no run below ${reports}` });
  return join(reports, last);
}

/**
 * The record of a run in its folder. That of a run that was killed is closed first.
 *
 * @throws MeshproofError MP710 when there is none, or when it is not as a run writes it; MP725 for one of the time
 *   before claims had keys; MP720 and MP721 for one that no run wrote.
 */
export async function openRun(folder: string): Promise<RunRecord> {
  const record = await RunRecord.open(folder).catch((cause: unknown) => {
    if (cause instanceof MeshproofError) throw cause;
    throw new MeshproofError('MP710', {
      what: `${folder} holds no run.json that can be read`,
      seen: cause instanceof Error ? cause.message.slice(0, 300) : String(cause),
      cause,
    });
  });
  const { schema, run } = record.data;
  if (schema === 1)
    throw new MeshproofError('MP725', {
      what: `the run ${run} was recorded before claims and steps had keys`,
      where: record.file,
      expected: 'schema 2',
      seen: `schema ${schema}`,
    });
  return await closedIfKilled(record);
}
