import { MeshproofError } from '../errors/meshproof-error.ts';
import { callsWithin, type Load, type LoadResult } from './load.ts';

/** What became of the calls that a load began within a time. */
export interface LoadWindow {
  readonly all: number;
  /** Those that got no 2xx. */
  readonly failed: number;
  /** "3 of 140 calls failed". */
  readonly told: string;
  /** How many a pod answered, by the name that it says in the body. */
  readonly servedBy: (pod: string) => number;
}

/** A load that begins a fifth fewer calls than it should says nothing: nothing fails where nothing is called. */
const least = 0.8;

/**
 * The part of a load that it began within a time.
 *
 * @param from seconds after the load began, up to the second `to`
 * @throws MeshproofError MP702 when the load did not call at its rate then
 */
export function windowOf(result: LoadResult, { perSecond, url }: Load, from: number, to: number): LoadWindow {
  const { calls, failed } = callsWithin(result, from, to);
  const wanted = (to - from) * perSecond;
  if (calls.length <= wanted * least)
    throw new MeshproofError('MP702', {
      what: `the load on ${url} was not at its rate`,
      expected: `${wanted} calls from second ${from} to second ${to}`,
      seen: `${calls.length} calls`,
    });
  return {
    all: calls.length,
    failed: failed.length,
    told: `${failed.length} of ${calls.length} calls failed`,
    servedBy: (pod) => calls.filter(({ body }) => body.includes(pod)).length,
  };
}
