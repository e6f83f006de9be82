import { MeshproofError } from '../errors/meshproof-error.ts';
import type { ErrorCode } from '../errors/catalogue.ts';
import { looking as beginLooking } from '../tape/tape.ts';
import { patience } from './stuck.ts';

/** What one look at a condition found: it holds (with its value), or not yet (with what was seen instead). */
export type Sighting<T> =
  { readonly holds: true; readonly value: T } | { readonly holds: false; readonly seen: string };

export interface Condition<T> {
  /** Reads as a sentence: "istiod of west is available". */
  readonly name: string;
  /**
   * Looks once. A throw counts as "not yet" only when `tolerates` says so; any other throw ends the wait. A look that
   * hangs is given up at the deadline, when its signal aborts.
   */
  readonly look: (signal: AbortSignal) => Promise<Sighting<T>>;
  /** Deadline in milliseconds, from the first look. */
  readonly within: number;
  /** Milliseconds between looks (default 250). */
  readonly every?: number;
  /** Errors of a thing that is still booting, e.g. a refused connection. */
  readonly tolerates?: (error: unknown) => boolean;
  /** Asked after each look: true when nothing more will come, so that the wait ends before its deadline. */
  readonly settled?: (() => Promise<boolean>) | undefined;
  readonly where?: string;
  readonly code?: ErrorCode;
  readonly evidence?: string;
  readonly signal?: AbortSignal | undefined;
}

export const holds = <T>(value: T): Sighting<T> => ({ holds: true, value });
export const notYet = (seen: string): Sighting<never> => ({ holds: false, seen });

/** A look that takes longer than this, in milliseconds, at the deadline of a wait hangs; a shorter one was cut off. */
const hangsAfter = (within: number): number => Math.min(patience, within / 2);

/**
 * Polls a named condition until it holds or its deadline passes.
 *
 * @throws MeshproofError MP701 (or `code`) that names the condition and what was last seen; MP716 (or `code`) when the
 *   last look did not come back; the abort reason when `signal` aborts.
 */
export async function waitFor<T>(condition: Condition<T>): Promise<T> {
  const { name, within, every = 250, signal } = condition;
  const series = beginLooking(name);
  const end = new AbortController();
  const overdue = new Error(`no answer to the last look within ${(within / 1000).toFixed(0)} s`);
  const timer = setTimeout(() => {
    end.abort(overdue);
  }, within);
  const looking = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]);
  const overTime = (): boolean => end.signal.aborted;
  let [lastSeen, looks] = ['nothing yet', 0];
  // What was not seen refutes nothing.
  const unanswered = (): MeshproofError =>
    late({ ...condition, code: condition.code ?? 'MP716' }, `${lastSeen} (${overdue.message})`);
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (series.hungAfter === looks) throw unanswered();
      // The deadline passed during the pause: there is no time for another look.
      if (overTime()) {
        series.end();
        throw late(condition, lastSeen);
      }
      const begun = performance.now();
      try {
        const sighting = await unlessAborted(condition.look(looking), looking);
        if (sighting.holds) {
          series.end();
          return sighting.value;
        }
        lastSeen = sighting.seen;
      } catch (error) {
        signal?.throwIfAborted();
        if (overTime()) {
          const cut = looks > 0 && performance.now() - begun < hangsAfter(within);
          series.end(cut ? 'cut' : 'hung');
          throw cut ? late(condition, lastSeen) : unanswered();
        }
        if (condition.tolerates?.(error) !== true) {
          series.end();
          throw error;
        }
        lastSeen = error instanceof Error ? error.message : String(error);
      }
      looks += 1;
      const until = (seconds: number): boolean => seconds * 1000 + every > within;
      if (await series.again({ every, until, signal, settled: condition.settled })) continue;
      const lasted = series.end();
      const early = lasted > 0 && !until(lasted);
      throw late(
        condition,
        lastSeen,
        early ? `not after ${lasted.toFixed(0)} s, and nothing more will come` : undefined,
      );
    }
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What a look found, or the reason of the abort that came first; what becomes of the look then is nobody's business.
 */
async function unlessAborted<T>(look: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([look, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

function late(
  { name, within, where, code, evidence }: Condition<unknown>,
  seen: string,
  how = `not within ${(within / 1000).toFixed(0)} s`,
): MeshproofError {
  return new MeshproofError(code ?? 'MP701', {
    what: `${name}: ${how}`,
    where,
    expected: name,
    seen,
    evidence,
  });
}
