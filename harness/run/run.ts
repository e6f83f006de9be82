import { resolve } from 'node:path';
import { asMeshproofError, describeError, exitCodeOf } from '../errors/meshproof-error.ts';
import type { Agree } from '../environment/consent.ts';
import { checkBuilds } from '../environment/fitting-environment.ts';
import { environmentFor } from '../environment/kept-for-run.ts';
import { labUser, leaveLabOf, removeEnvironment } from '../environment/remove-environment.ts';
import { lockEnvironment, runsOfKeptEnvironments } from '../environment/state.ts';
import { labKnows } from '../lab/lab.ts';
import { ArtifactCache } from '../toolchain/cache.ts';
import { carryOutInProcess } from './carry-out-process.ts';
import { folderBytes } from './record/disk-usage.ts';
import { closeKilledRuns } from './record/killed-runs.ts';
import { pruneReports } from './record/prune-reports.ts';
import { writeReports } from './record/reports.ts';
import { RunRecord } from './record/run-record.ts';
import { leavesEnvironment, type RunRequest, type Stage } from './request.ts';
import { prepare } from './stages/prepare.ts';

/** How a run speaks with whoever asked for it. */
export interface RunSurroundings extends Pick<Stage, 'progress' | 'signal'> {
  /** Asks whether clusters that meshproof did not make may be written to; throws when not. */
  readonly agree: Agree;
  /** Called with the folder of the run as soon as there is one. */
  readonly began?: (folder: string) => void;
}

/**
 * One run from start to end: prepare, provision, install, play, tear down. The toolchain works out here, where the
 * package sources are; the clusters live where the engine is, and the stages from provision to tear-down run in a
 * process of their own there, which owns the record until it ends.
 *
 * @returns the record, its verdict final.
 * @throws MeshproofError for bad usage or configuration, found before anything was made.
 */
export async function run(
  request: RunRequest,
  { progress, signal, agree, began }: RunSurroundings,
): Promise<RunRecord> {
  const { config, shard } = request;
  const unlock = await lockEnvironment(config.name);
  const kept =
    request.prepareOnly === true
      ? undefined
      : await environmentFor(config, request.reuse === true).catch(async (error: unknown) => {
          await unlock();
          throw error;
        });
  const record = await RunRecord.begin(config.reports, {
    command: process.argv.slice(2),
    provider: config.provider,
    clusters: config.clusters,
    ...(shard === undefined ? {} : { shard }),
  });
  began?.(record.folder);
  const stopLiving = record.live();
  const stage: Stage = { record, progress, signal };
  try {
    await closeKilledRuns(config.reports);
    const plan = await prepare(request, stage, { kept, agree });
    if (kept !== undefined) checkBuilds(kept, plan.toolchain);
    if (request.prepareOnly === true) await record.save({ verdict: 'passed' });
    else await carryOutInProcess(plan, stage);
  } catch (error) {
    const known = asMeshproofError(error);
    await record.noteError(known);
    // Bad usage is for the caller to print; what went wrong on the machine is part of the run.
    if (exitCodeOf(known) === 2) throw known;
    progress.note(describeError(known));
    // The process that carries out takes down at its end; it may have been killed, or never have begun.
    if (!leavesEnvironment(request))
      await record
        .phase('teardown', () => removeEnvironment(config.name))
        .catch((error: unknown) => {
          progress.note(describeError(asMeshproofError(error)));
        });
  } finally {
    await close(request, stage);
    stopLiving();
    await unlock();
  }
  return record;
}

/**
 * Leaves the lab and closes the record; each step stands alone, so that no failure of one keeps another from being
 * done.
 */
async function close(request: RunRequest, { record, progress }: Stage): Promise<void> {
  const { name, reports, keepReports, keepReportsDays: days } = request.config;
  const step = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const known = asMeshproofError(error);
      await record.noteError(known);
      progress.note(describeError(known));
    }
  };
  await step(async () => {
    const keep = leavesEnvironment(request);
    if (await labKnows(labUser(name))) await record.phase('teardown', () => leaveLabOf(name, { keep }));
  });
  await step(async () => {
    const cacheBytes = await folderBytes(ArtifactCache.default().root);
    await record.save({ endedAt: new Date().toISOString(), ...(cacheBytes === undefined ? {} : { cacheBytes }) });
  });
  await step(async () => {
    if (record.data.scenarios.length > 0) await writeReports(record.folder, record.data);
  });
  await step(async () => {
    const removed = await pruneReports(resolve(reports), { keep: keepReports, days }, await runsOfKeptEnvironments());
    const limit = days === undefined ? '' : `, of these none that is older than ${days} days`;
    if (removed.length > 0)
      progress.note(`removed ${removed.length} old runs from ${reports}; the newest ${keepReports} stay${limit}`);
  });
  if (record.lost !== undefined) await record.noteError(record.lost);
}
