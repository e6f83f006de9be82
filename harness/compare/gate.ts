import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { agreeToNothing } from '../environment/consent.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { checkBeforehand } from '../inspect/beforehand.ts';
import { formatDiff, type RunDiff } from '../report/diff/run-diff.ts';
import type { RunData } from '../report/run-data.ts';
import { throwErrorOf, type RunRecord } from '../run/record/run-record.ts';
import type { RunRequest } from '../run/request.ts';
import { run, type RunSurroundings } from '../run/run.ts';
import { diffRuns } from './diff-runs.ts';

/** One build of the mesh, and the run that shows what it does. */
export interface GatedBuild {
  /** As somebody named it, e.g. `istio@1.30.4`. */
  readonly mesh: string;
  readonly request: RunRequest;
}

/**
 * Runs two builds of the mesh one after the other and compares the runs; the comparison is kept with the second.
 *
 * @returns the comparison, and the record of the second run
 * @throws MeshproofError of the machine for either build, before the first is run; that of the first run without a
 *   verdict.
 */
export async function gate(
  builds: readonly [GatedBuild, GatedBuild],
  surroundings: Omit<RunSurroundings, 'agree'>,
): Promise<{ readonly diff: RunDiff; readonly head: RunData }> {
  for (const { request } of builds) await checkBeforehand(request.config, surroundings.signal);
  const base = await runOf(builds[0], surroundings);
  const head = await runOf(builds[1], surroundings);
  const diff = await diffRuns(base.folder, head.folder);
  await writeFile(join(head.folder, 'diff.md'), formatDiff(diff));
  await writeFile(join(head.folder, 'diff.json'), `${JSON.stringify(diff, undefined, 1)}\n`);
  return { diff, head: head.data };
}

async function runOf({ mesh, request }: GatedBuild, surroundings: Omit<RunSurroundings, 'agree'>): Promise<RunRecord> {
  surroundings.progress.note(`the mesh ${mesh}`);
  const record = await run(request, { ...surroundings, agree: agreeToNothing });
  throwErrorOf(record, `the run of ${mesh}`);
  if (record.data.verdict === 'running')
    throw new MeshproofError('MP999', { what: `the run of ${mesh} came to no verdict`, where: record.folder });
  return record;
}
