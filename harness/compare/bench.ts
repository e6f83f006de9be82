import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Progress } from '../progress/progress.ts';
import type { RunData } from '../report/run-data.ts';
import { conduct } from '../run/run.ts';
import type { Config } from '../config/config.ts';
import type { Agree } from '../environment/consent.ts';
import { throwErrorOf, type RunRecord } from '../run/record/run-record.ts';

export interface BenchOptions {
  /** One configuration, or two that are compared. */
  readonly configs: readonly [Config] | readonly [Config, Config];
  /** How many runs of each. */
  readonly runs: number;
  readonly only: readonly string[] | undefined;
  /** Whether each run uses the kept environment again. */
  readonly reuse: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly agree: Agree;
}

/**
 * Plays runs one after the other. Two configurations take turns, and each round in the other order than the one before
 * (A B, B A, …), so that a machine which grows slower does not speak for either.
 *
 * @returns the records of each configuration's runs
 * @throws MeshproofError of the first run that did not pass: what it took says nothing about one that does. MP905 when
 *   a claim did not hold.
 */
export async function playSeries(options: BenchOptions): Promise<RunData[][]> {
  const { configs, runs, progress, signal } = options;
  const series: RunData[][] = configs.map(() => []);
  for (let round = 0; round < runs; round += 1) {
    const order = [...configs.keys()];
    if (round % 2 === 1) order.reverse();
    for (const index of order) {
      const config = configs[index];
      if (config === undefined) continue;
      const side = configs.length === 1 ? '' : index === 0 ? ' of the base' : ' of the head';
      progress.note(`run ${round + 1} of ${runs}${side}`);
      const record = await conduct({
        config,
        only: options.only,
        keep: options.reuse,
        reuse: options.reuse,
        progress,
        signal,
        agree: options.agree,
      });
      expectPassed(record);
      series[index]?.push(record.data);
    }
  }
  return series;
}

function expectPassed(record: RunRecord): void {
  const { verdict, run } = record.data;
  throwErrorOf(record, `run ${run}`);
  if (verdict !== 'passed')
    throw new MeshproofError('MP905', {
      what: `run ${run} ${verdict}, so its times say nothing`,
      evidence: record.folder,
    });
}
