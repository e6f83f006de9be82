import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { countClaims, phaseSeconds, type RunData } from '../report/run-data.ts';
import type { RunRequest } from '../run/request.ts';
import { run, type RunSurroundings } from '../run/run.ts';

/** What is known of a soak so far; it is on disk after each run, so that one that was stopped goes on where it was. */
const soakSchema = z.object({
  runs: z.array(
    z.object({
      run: z.string(),
      /** Whether other work kept the machine busy. */
      underLoad: z.boolean(),
      /** "scenario: claim" of each claim that did not hold, or was not reached. */
      red: z.array(z.string()),
      claims: z.number(),
      seconds: z.number(),
    }),
  ),
});
export type Soak = z.infer<typeof soakSchema>;

export interface SoakOptions {
  /** What is run, again and again. */
  readonly request: RunRequest;
  /** How many runs there are to be in the end, those of before included. */
  readonly runs: number;
  /** Whether every second run has a machine that is kept busy. */
  readonly load: boolean;
  /** Whether runs of before count. */
  readonly resume: boolean;
}

/**
 * Plays runs one after the other on a mesh that is whole, and counts what is red nevertheless.
 *
 * @throws MeshproofError MP905 when a run ended without a verdict: it says nothing about claims.
 */
export async function soak(options: SoakOptions, surroundings: RunSurroundings): Promise<Soak> {
  const { request, runs } = options;
  const { progress, signal } = surroundings;
  const { config } = request;
  const file = join(config.reports, 'soak.json');
  let known: Soak = options.resume ? await readSoak(file) : { runs: [] };
  while (known.runs.length < runs) {
    signal.throwIfAborted();
    const underLoad = options.load && known.runs.length % 2 === 1;
    progress.note(`run ${known.runs.length + 1} of ${runs}${underLoad ? ', on a busy machine' : ''}`);
    const stop = underLoad ? keepBusy() : (): void => undefined;
    try {
      const { data, folder } = await run(request, surroundings);
      signal.throwIfAborted();
      if (data.error !== undefined)
        throw new MeshproofError('MP905', {
          what: `run ${data.run} came to no verdict`,
          where: folder,
          seen: data.error.message,
        });
      known = { runs: [...known.runs, seenOf(data, underLoad)] };
      await mkdir(config.reports, { recursive: true });
      await writeFile(file, `${JSON.stringify(known, undefined, 1)}\n`);
    } finally {
      stop();
    }
  }
  return known;
}

async function readSoak(file: string): Promise<Soak> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '{"runs":[]}';
    throw error;
  });
  return soakSchema.parse(JSON.parse(text));
}

function seenOf(data: RunData, underLoad: boolean): Soak['runs'][number] {
  const { passed, failed, error, notReached } = countClaims(data);
  return {
    run: data.run,
    underLoad,
    red: data.scenarios.flatMap(({ id, claims, stopped }) => [
      ...(stopped === undefined ? [] : [`${id}: step ${stopped.key}`]),
      ...claims.filter(({ verdict }) => verdict === 'failed' || verdict === 'error').map(({ key }) => `${id}: ${key}`),
    ]),
    claims: passed + failed + error + notReached,
    seconds: phaseSeconds(data)['total'] ?? 0,
  };
}

/** A process that outlives whoever started it must not keep the machine busy for ever. */
const busyWhileParentLives =
  'const parent = process.ppid; while (process.ppid === parent) { const end = Date.now() + 500; while ' +
  '(Date.now() < end); }';

/** Keeps every core busy with a process of its own, until the returned function is called. */
function keepBusy(): () => void {
  const workers: ChildProcess[] = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ['-e', busyWhileParentLives], { stdio: 'ignore' }),
  );
  return () => {
    for (const worker of workers) worker.kill('SIGKILL');
  };
}

/** A soak in figures. */
export interface SoakFigures {
  readonly runs: number;
  /** Claims and steps that were red on a mesh that is whole. */
  readonly falseReds: number;
  readonly seconds: number;
  readonly claims: number;
  readonly underLoad: number;
  /**
   * The share of runs with a false red that these runs exclude at 95 %: were it higher, so few red ones would have been
   * seen in less than one of twenty soaks (Clopper and Pearson's upper bound).
   */
  readonly excludes: number;
  readonly red: readonly string[];
}

/** The figures of a soak; they add up over runs that were played at different times. */
export function figuresOf({ runs }: Soak): SoakFigures {
  const red = runs.flatMap((run) => run.red.map((one) => `${run.run} ${one}`));
  const redRuns = runs.filter((run) => run.red.length > 0).length;
  return {
    runs: runs.length,
    falseReds: red.length,
    seconds: Math.round(runs.reduce((sum, { seconds }) => sum + seconds, 0) * 10) / 10,
    claims: runs.reduce((sum, { claims }) => sum + claims, 0),
    underLoad: runs.filter(({ underLoad }) => underLoad).length,
    excludes: upperBound(redRuns, runs.length),
    red,
  };
}

/** The largest rate at which as few as these would still be seen once in twenty times. */
function upperBound(seen: number, runs: number): number {
  if (runs === 0 || seen >= runs) return 1;
  const atMost = (rate: number): number => {
    let [term, sum] = [(1 - rate) ** runs, 0];
    for (let count = 0; count <= seen; count += 1) {
      sum += term;
      term *= ((runs - count) / (count + 1)) * (rate / (1 - rate));
    }
    return sum;
  };
  let [low, high] = [0, 1];
  for (let step = 0; step < 50; step += 1) {
    const middle = (low + high) / 2;
    if (atMost(middle) > 0.05) low = middle;
    else high = middle;
  }
  return Math.round(high * 10_000) / 10_000;
}
