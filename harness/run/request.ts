import type { Progress } from '../progress/progress.ts';
import type { Config } from '../config/config.ts';
import type { RunRecord } from './record/run-record.ts';
import type { Shard } from './schedule/shard.ts';

/** What a run does about a scenario that is red. */
export interface OnRed {
  /** Prove the first cause: undo it, play the scenario again, put it in again. */
  readonly prove: boolean;
  /** Keep the mesh as it is until somebody has looked. */
  readonly pauses: boolean;
}

/**
 * What somebody asks of one run, as plain data. It passes whole through every stage, also into the process that carries
 * the run out.
 */
export interface RunRequest {
  readonly config: Config;
  /** Ids of the scenarios to play; undefined means all, an empty list none (`up`). */
  readonly only?: readonly string[] | undefined;
  /** Keep the environment afterwards. */
  readonly keep?: boolean;
  /** Use the environment that is kept. */
  readonly reuse?: boolean;
  /** Seed of a random order of the scenarios; undefined means the walkthrough's order. */
  readonly shuffle?: number | undefined;
  /** Nothing but the record, unless said. */
  readonly onRed?: OnRed;
  /** Which part of a run that several machines share; `only` lists its scenarios. */
  readonly shard?: Shard | undefined;
  /** End when everything that a run needs is there: programs and images. */
  readonly prepareOnly?: boolean;
}

/** Whether the environment is there after the run as it was before, or as the run made it. */
export const leavesEnvironment = ({ keep, reuse, prepareOnly }: RunRequest): boolean =>
  keep === true || reuse === true || prepareOnly === true;

/** What every stage of a run is given beside the request. */
export interface Stage {
  readonly record: RunRecord;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}
