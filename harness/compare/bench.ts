import { MeshproofError } from '../errors/meshproof-error.ts';
import type { RunData } from '../report/run-data.ts';
import type { RunRequest } from '../run/request.ts';
import { throwErrorOf, type RunRecord } from '../run/record/run-record.ts';
import { run, type RunSurroundings } from '../run/run.ts';

export interface Series {
  /** One request, or two that are compared. */
  readonly requests: readonly [RunRequest] | readonly [RunRequest, RunRequest];
  /** How many runs of each. */
  readonly runs: number;
}

/**
 * Plays runs one after the other. Two requests take turns, and each round in the other order than the one before
 * (A B, B A, …), so that a machine which grows slower does not speak for either.
 *
 * @returns the records of each request's runs
 * @throws MeshproofError of the first run that did not pass: what it took says nothing about one that does. MP905 when
 *   a claim did not hold.
 */
export async function playSeries({ requests, runs }: Series, surroundings: RunSurroundings): Promise<RunData[][]> {
  const series: RunData[][] = requests.map(() => []);
  for (let round = 0; round < runs; round += 1) {
    const order = [...requests.entries()];
    if (round % 2 === 1) order.reverse();
    for (const [index, request] of order) {
      const side = requests.length === 1 ? '' : index === 0 ? ' of the base' : ' of the head';
      surroundings.progress.note(`run ${round + 1} of ${runs}${side}`);
      const record = await run(request, surroundings);
      expectPassed(record);
      series[index]?.push(record.data);
    }
  }
  return series;
}

function expectPassed(record: RunRecord): void {
  const { verdict, run: name } = record.data;
  throwErrorOf(record, `run ${name}`);
  if (verdict !== 'passed')
    throw new MeshproofError('MP905', {
      what: `run ${name} ${verdict}, so its times say nothing`,
      evidence: record.folder,
    });
}
