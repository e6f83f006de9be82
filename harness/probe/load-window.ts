import { MeshproofError } from '../errors/meshproof-error.ts';
import { succeeded, type Load, type LoadCall, type LoadResult } from './load.ts';

/** What became of the calls that a load began within a time. */
export interface LoadWindow {
  readonly all: number;
  /** Those that got no 2xx. */
  readonly failed: number;
  /** "3 of 140 calls failed". */
  readonly told: string;
  /** How many were answered by whom one looks for. */
  readonly servedBy: (served: (call: LoadCall) => boolean) => number;
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
  const calls = result.calls.filter(({ at }) => at >= from && at < to);
  const wanted = Math.round((to - from) * perSecond);
  if (calls.length <= wanted * least)
    throw new MeshproofError('MP702', {
      what: `the load on ${url} was not at its rate`,
      expected: `${wanted} calls from second ${from} to second ${to}`,
      seen: `${calls.length} calls`,
    });
  return told(calls);
}

/** The last calls that a load had begun by a moment, so many of them or all that there were. */
export const lastBegun = (result: LoadResult, count: number, by: number): LoadWindow =>
  told(result.calls.filter(({ at }) => at <= by).slice(-count));

function told(calls: readonly LoadCall[]): LoadWindow {
  const failed = calls.filter((call) => !succeeded(call)).length;
  return {
    all: calls.length,
    failed,
    told: `${failed} of ${calls.length} calls failed`,
    servedBy: (served) => calls.filter(served).length,
  };
}
