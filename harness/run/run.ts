import { resolve } from 'node:path';
import { asMeshproofError, describeError, exitCodeOf, MeshproofError } from '../errors/meshproof-error.ts';
import { labHolds, labKnows } from '../lab/lab.ts';
import type { Progress } from '../progress/progress.ts';
import type { Environment } from '../scenario/environment.ts';
import { ArtifactCache } from '../toolchain/cache.ts';
import { carryOutInChild } from './carry-out-process.ts';
import { folderBytes } from './record/disk-usage.ts';
import { closeKilledRuns } from './record/killed-runs.ts';
import type { Config } from '../config/config.ts';
import type { Agree } from '../environment/consent.ts';
import { checkBuilds, checkFits } from '../environment/fitting-environment.ts';
import { prepare } from './stages/prepare.ts';
import { pruneReports } from './record/prune-reports.ts';
import { writeReports } from './record/reports.ts';
import type { OnRed } from './plan.ts';
import { RunRecord } from './record/run-record.ts';
import type { Shard } from './schedule/shard.ts';
import { forgetEnvironment, lockEnvironment, readEnvironment, runsOfKeptEnvironments } from '../environment/state.ts';
import { labUser, leaveLabOf, removeEnvironment } from '../environment/remove-environment.ts';

export interface ConductOptions {
  readonly config: Config;
  readonly only: readonly string[] | undefined;
  readonly keep: boolean;
  readonly reuse: boolean;
  readonly shuffle?: number | undefined;
  /** Nothing but the record, unless said. */
  readonly onRed?: OnRed;
  /** Called with the folder of the run as soon as there is one. */
  readonly began?: (folder: string) => void;
  /** End when everything that a run needs is there: programs and images. */
  readonly prepareOnly?: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Asks whether clusters that meshproof did not make may be written to; throws when not. */
  readonly agree: Agree;
  /** Which part of a run that several machines share. */
  readonly shard?: Shard | undefined;
}

/**
 * One run from start to end. The toolchain works out here, where the package sources are; the clusters live where the
 * engine is, and the second half runs in a process of its own there.
 *
 * @returns the record, its verdict final.
 * @throws MeshproofError for bad usage or configuration, found before anything was made.
 */
export async function conduct(options: ConductOptions): Promise<RunRecord> {
  const { config, progress, signal, keep, reuse, only } = options;
  const unlock = await lockEnvironment(config.name);
  const kept =
    options.prepareOnly === true
      ? undefined
      : await checkKept(config, reuse).catch(async (error: unknown) => {
          await unlock();
          throw error;
        });
  const record = await RunRecord.begin(config.reports, {
    command: process.argv.slice(2),
    provider: config.provider,
    clusters: config.clusters,
    ...(options.shard === undefined ? {} : { shard: options.shard }),
  });
  options.began?.(record.folder);
  const stopLiving = record.live();
  let current = record;
  try {
    await closeKilledRuns(config.reports);
    const plan = await prepare({
      config,
      record,
      progress,
      signal,
      only,
      keep,
      reuse,
      shuffle: options.shuffle,
      onRed: options.onRed ?? { prove: false, pauses: false },
      kept,
      agree: options.agree,
    });
    if (kept !== undefined) checkBuilds(kept, plan.toolchain);
    if (options.prepareOnly === true) await record.save({ verdict: 'passed' });
    else current = await carryOutInChild(plan, record, signal);
  } catch (error) {
    const known = asMeshproofError(error);
    // The half that was carried out may have recorded more before it ended.
    current = await RunRecord.open(record.folder).catch(() => record);
    await current.noteError(known);
    // Bad usage is for the caller to print; what went wrong on the machine is part of the run.
    if (exitCodeOf(known) === 2) throw known;
    progress.note(describeError(known));
    await takeDownWhatIsLeft(options, current);
  } finally {
    await finish(options, current);
    stopLiving();
    await unlock();
  }
  return current;
}

/** After the process that carries out, and takes down, has ended without doing so: killed, say. */
async function takeDownWhatIsLeft(options: ConductOptions, record: RunRecord): Promise<void> {
  const { config, keep, reuse, prepareOnly, progress } = options;
  // What only prepares makes no environment: one of this name is somebody's who keeps it.
  if (keep || reuse || prepareOnly === true) return;
  await record
    .phase('teardown', () => removeEnvironment(config.name))
    .catch((error: unknown) => {
      progress.note(describeError(asMeshproofError(error)));
    });
}

/**
 * Leaves the lab and closes the record; each step stands alone, so that no failure of one keeps another from being
 * done.
 */
async function finish(options: ConductOptions, record: RunRecord): Promise<void> {
  const { config, progress } = options;
  const keep = options.keep || options.reuse || options.prepareOnly === true;
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
    if (await labKnows(labUser(config.name))) await record.phase('teardown', () => leaveLabOf(config.name, { keep }));
  });
  await step(async () => {
    const cacheBytes = await folderBytes(ArtifactCache.default().root);
    await record.save({ endedAt: new Date().toISOString(), ...(cacheBytes === undefined ? {} : { cacheBytes }) });
  });
  await step(async () => {
    if (record.data.scenarios.length > 0) await writeReports(record.folder, record.data);
  });
  await step(async () => {
    const { reports, keepReports: keep, keepReportsDays: days } = config;
    const removed = await pruneReports(resolve(reports), { keep, days }, await runsOfKeptEnvironments());
    const rule = `the newest ${keep} stay${days === undefined ? '' : `, of these none that is older than ${days} days`}`;
    if (removed.length > 0) progress.note(`removed ${removed.length} old runs from ${reports}; ${rule}`);
  });
  if (record.lost !== undefined) await record.noteError(record.lost);
}

/**
 * Sees before anything is prepared that there is an environment to reuse, the one that is configured, or none in the
 * way.
 *
 * @returns the one that is used again
 * @throws MeshproofError MP105 without one to reuse, or with another one than is configured; MP501 with one in the way.
 */
async function checkKept(config: Config, reuse: boolean): Promise<Environment | undefined> {
  const { name } = config;
  const kept = await livingEnvironment(name);
  if (reuse && kept === undefined) throw new MeshproofError('MP105', { what: `no environment ${name} is kept` });
  if (reuse && kept?.status !== 'ready')
    throw new MeshproofError('MP105', {
      what: `the environment ${name} was never finished`,
      remedy: 'Remove it with `meshproof down`, then bring one up.',
    });
  if (!reuse && kept !== undefined)
    throw new MeshproofError('MP501', {
      what: `the environment ${name} is there already`,
      remedy: 'Use it with `--reuse`, or remove it with `meshproof down`.',
    });
  if (kept !== undefined) await checkFits(kept, config);
  return kept;
}

/**
 * The kept environment; one whose private daemon has ended, or was started anew since, is forgotten: its clusters are
 * gone.
 */
async function livingEnvironment(name: string): Promise<Environment | undefined> {
  const kept = await readEnvironment(name);
  if (kept?.networkNamespace === undefined || (await labHolds(labUser(name)))) return kept;
  await forgetEnvironment(name);
  return undefined;
}
