import { MeshproofError } from '../errors/meshproof-error.ts';
import type { ErrorCode } from '../errors/catalogue.ts';
import { looking as beginLooking } from '../tape/tape.ts';

/** What one look at a condition found: it holds (with its value), or not yet (with what was seen instead). */
export type Sighting<T> =
  { readonly holds: true; readonly value: T } | { readonly holds: false; readonly seen: string };

export interface Condition<T> {
  /** Reads as a sentence: "istiod of west is available". */
  readonly name: string;
  /** Looks once. A throw counts as "not yet" only when `tolerates` says so; any other throw ends the wait. */
  readonly look: (signal: AbortSignal) => Promise<Sighting<T>>;
  /** Deadline in milliseconds, from the first look. */
  readonly within: number;
  /** Milliseconds between looks (default 250). */
  readonly every?: number;
  /** Errors of a thing that is still booting, e.g. a refused connection. */
  readonly tolerates?: (error: unknown) => boolean;
  readonly where?: string;
  readonly code?: ErrorCode;
  readonly evidence?: string;
  readonly signal?: AbortSignal | undefined;
}

export const holds = <T>(value: T): Sighting<T> => ({ holds: true, value });
export const notYet = (seen: string): Sighting<never> => ({ holds: false, seen });

/**
 * Polls a named condition until it holds or its deadline passes.
 *
 * @throws MeshproofError MP701 (or `code`) that names the condition and what was last seen; the abort reason when `signal` aborts.
 */
export async function waitFor<T>(condition: Condition<T>): Promise<T> {
  const { name, within, every = 250, signal } = condition;
  const series = beginLooking(name);
  const looking = signal ?? new AbortController().signal;
  let lastSeen = 'nothing yet';
  for (;;) {
    looking.throwIfAborted();
    try {
      const sighting = await condition.look(looking);
      if (sighting.holds) {
        series.end();
        return sighting.value;
      }
      lastSeen = sighting.seen;
    } catch (error) {
      if (condition.tolerates?.(error) !== true) {
        series.end();
        throw error;
      }
      lastSeen = error instanceof Error ? error.message : String(error);
    }
    if (await series.again({ every, signal: looking, until: (seconds) => seconds * 1000 + every > within })) continue;
    throw new MeshproofError(condition.code ?? 'MP701', {
      what: `${name}: not within ${(within / 1000).toFixed(0)} s`,
      where: condition.where,
      expected: name,
      seen: lastSeen,
      evidence: condition.evidence,
    });
  }
}
