import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { asMeshproofError, describeError, exitCodeOf, MeshproofError } from '../errors/meshproof-error.ts';
import type { ClusterAddress } from '../cluster/cluster-api.ts';
import { labHolds, labKnows } from '../lab/lab.ts';
import { labNamespacePath } from '../lab/network-namespace.ts';
import type { Progress } from '../progress/progress.ts';
import type { Environment } from '../scenario/environment.ts';
import { ArtifactCache } from '../toolchain/cache.ts';
import { carryOut } from './carry-out.ts';
import { folderBytes } from './disk-usage.ts';
import type { Config } from './config.ts';
import type { Plan } from './plan.ts';
import { prepare } from './prepare.ts';
import { writeReports } from './reports.ts';
import { RunRecord } from './run-record.ts';
import { forgetEnvironment, lockEnvironment, readEnvironment } from './state.ts';
import { labUser, leaveLabOf } from './tear-down.ts';

const bin = fileURLToPath(new URL('../cli/bin.js', import.meta.url));

export interface ConductOptions {
  readonly config: Config;
  readonly only: readonly string[] | undefined;
  readonly keep: boolean;
  readonly reuse: boolean;
  readonly shuffle?: number | undefined;
  /** End when everything that a run needs is there: programs and images. */
  readonly prepareOnly?: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Asks whether clusters that meshproof did not make may be written to; throws when not. */
  readonly agree?: (clusters: readonly ClusterAddress[]) => Promise<void>;
}

/**
 * One run from start to end. The toolchain works out here, where the package sources are; the clusters live where the engine is, which
 * for the lab means that the second half runs in a process of its own inside of the lab's network namespace.
 *
 * @returns the record, its verdict final.
 * @throws MeshproofError for bad usage or configuration, found before anything was made.
 */
export async function conduct(options: ConductOptions): Promise<RunRecord> {
  const { config, progress, signal, keep, reuse, only } = options;
  const unlock = await lockEnvironment(config.name);
  if (options.prepareOnly !== true)
    await checkKept(config.name, reuse).catch(async (error: unknown) => {
      await unlock();
      throw error;
    });
  const record = await RunRecord.begin(config.reports, {
    command: process.argv.slice(2),
    provider: config.provider,
    clusters: config.clusters,
  });
  let current = record;
  try {
    const plan = await prepare({
      config,
      record,
      progress,
      signal,
      only,
      keep,
      reuse,
      shuffle: options.shuffle,
      agree: options.agree,
    });
    if (options.prepareOnly === true) await record.save({ verdict: 'passed' });
    else current = await carryOutWhereItLives(plan, record, progress, signal);
  } catch (error) {
    const known = asMeshproofError(error);
    // The half inside of the lab may have recorded more before it ended.
    current = await RunRecord.open(record.folder);
    await current.save({
      verdict: 'error',
      error: { code: known.code, message: describeError(known) },
      endedAt: new Date().toISOString(),
    });
    // Bad usage is for the caller to print; what went wrong on the machine is part of the run.
    if (exitCodeOf(known) === 2) throw known;
    progress.note(describeError(known));
  } finally {
    if (await labKnows(labUser(config.name)))
      await current.phase('teardown', () => leaveLabOf(config.name, { keep: keep || reuse }));
    const cacheBytes = await folderBytes(ArtifactCache.default().root);
    await current.save({ endedAt: new Date().toISOString(), ...(cacheBytes === undefined ? {} : { cacheBytes }) });
    if (current.data.scenarios.length > 0) await writeReports(current.folder, current.data);
    await unlock();
  }
  return current;
}

/**
 * Sees before anything is prepared that there is an environment to reuse, or none in the way.
 *
 * @throws MeshproofError MP105 without one to reuse, MP501 with one in the way.
 */
async function checkKept(name: string, reuse: boolean): Promise<void> {
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
}

/** The kept environment; one whose private daemon has ended, or was started anew since, is forgotten: its clusters are gone. */
async function livingEnvironment(name: string): Promise<Environment | undefined> {
  const kept = await readEnvironment(name);
  if (kept?.networkNamespace === undefined || (await labHolds(labUser(name)))) return kept;
  await forgetEnvironment(name);
  return undefined;
}

async function carryOutWhereItLives(
  plan: Plan,
  record: RunRecord,
  progress: Progress,
  signal: AbortSignal,
): Promise<RunRecord> {
  if (plan.lab === undefined) {
    await carryOut(plan, record, progress, signal);
    return record;
  }
  const file = join(record.folder, 'plan.json');
  await writeFile(file, `${JSON.stringify(plan, undefined, 2)}\n`);
  const child = execa('nsenter', [`--net=${labNamespacePath}`, process.execPath, bin, 'carry-out', file], {
    // Its own process group, so that one Ctrl-C reaches it once, from here; the channel tells it when this process is gone.
    detached: true,
    cleanup: true,
    ipc: true,
    stdin: 'ignore',
    // Results are this process's to print; whatever a library says over there is progress.
    stdout: process.stderr,
    stderr: 'inherit',
    reject: false,
    env: { DOCKER_HOST: plan.lab.dockerHost },
  });
  const forward = (): void => void child.kill('SIGINT');
  signal.addEventListener('abort', forward);
  const { exitCode, signal: killedBy } = await child;
  signal.removeEventListener('abort', forward);
  const finished = await RunRecord.open(record.folder);
  if (finished.data.verdict === 'running') {
    throw new MeshproofError('MP999', {
      what: 'the run inside of the lab ended without a verdict',
      seen: killedBy === undefined ? `exit code ${exitCode ?? 'unknown'}` : `killed by ${killedBy}`,
    });
  }
  return finished;
}
