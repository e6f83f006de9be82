import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { redact } from './redact/value.ts';

/** How an answer from outside is kept. */
export interface Keeping<T> {
  /**
   * Name of a file of its own among the evidence, for answers that a person will want to read: a config dump, an
   * exchange.
   */
  readonly file?: string | undefined;
  /** What of the answer may be written down; secrets are left out here. */
  readonly keep?: (answer: T) => unknown;
  /**
   * Set for what is looked at and never written back, an exchange or a config dump: whoever asked gets it redacted as
   * well, so that nothing that is made of it, a message or a report, can tell more than the evidence does.
   */
  readonly lookOnly?: boolean;
  /**
   * The answer in the replay of a run that was played before this was asked at all; without it a question without an
   * answer fails.
   */
  readonly unasked?: T;
}

/** When a series of looks has lasted long enough. */
export interface Patience {
  /** Pause between two looks, in milliseconds. */
  readonly every: number;
  readonly until: (seconds: number, looks: number) => boolean;
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether to wait longer is no use, since nothing more will come. What it asks is not part of the tape: a replay
   * knows from the number of looks when the series ended.
   */
  readonly settled?: (() => Promise<boolean>) | undefined;
}

/** A series of looks at something that changes by itself. */
export interface Looking {
  /** After a look: pauses and tells that there is time for another, or tells that there is none. */
  again(patience: Patience): Promise<boolean>;
  /**
   * Ends the series, and tells how many seconds it lasted.
   *
   * @param last `cut` when the last look was still under way, `hung` when it seems never to come back: it says nothing
   */
  end(last?: 'cut' | 'hung'): number;
  /** In a replay, after how many looks the next one hung. */
  readonly hungAfter?: number | undefined;
}

/**
 * Where everything that a scenario learns from outside passes by: what it asks of clusters, proxies and pods, and how
 * often it looks. Live it goes through; recorded it is written down as evidence; replayed it comes from there, and
 * nothing outside is touched.
 */
export interface Tape {
  ask<T>(question: string, live: () => Promise<T>, keeping: Keeping<T>): Promise<T>;
  looking(name: string): Looking;
}

/** Set while an answer is being had: what that takes belongs to the one question. */
const answering = new AsyncLocalStorage<true>();

/** Looks by the clock. */
export function lookingLive(ended: (looks: number, seconds: number, hung: boolean) => void = () => undefined): Looking {
  const started = performance.now();
  let [looks, lasted] = [1, 0];
  const seconds = (): number => (performance.now() - started) / 1000;
  const end = (last?: 'cut' | 'hung'): number => {
    if (lasted === 0) {
      lasted = seconds();
      ended(last === undefined ? looks : looks - 1, lasted, last === 'hung');
    }
    return lasted;
  };
  return {
    end,
    again: async ({ every, until, signal, settled }) => {
      const over = until(seconds(), looks) || (settled !== undefined && (await answering.run(true, settled)));
      if (over) {
        end();
        return false;
      }
      looks += 1;
      await pause(every, undefined, signal === undefined ? {} : { signal });
      return true;
    },
  };
}

const live: Tape = { ask: (_question, answer) => answer(), looking: () => lookingLive() };
/** The tape of whoever asks: what a scenario started and left behind never speaks into the tape of the next one. */
const playing = new AsyncLocalStorage<Tape>();
/** Plays something with a tape; everything that the work begins stays with it, also what outlives it. */
export async function withTape<T>(tape: Tape, work: () => Promise<T>): Promise<T> {
  return await playing.run(tape, work);
}

const current = (): Tape => playing.getStore() ?? live;

/**
 * Asks something outside.
 *
 * @param question names what is asked, the same in every run: no times, no ids made up on the way
 */
export async function ask<T>(question: string, answer: () => Promise<T>, keeping: Keeping<T> = {}): Promise<T> {
  const live = keeping.lookOnly === true ? async (): Promise<T> => redact(await answer()) : answer;
  if (answering.getStore() === true) return await live();
  return await current().ask(question, () => answering.run(true, live), keeping);
}

/** Begins a series of looks. */
export const looking = (name: string): Looking =>
  answering.getStore() === true ? lookingLive() : current().looking(name);

/**
 * A client of something outside whose every method is a question. The client itself is opened at the first question
 * that needs it, so a replay never opens it.
 *
 * @param known properties that need no asking
 * @param nested properties that are clients themselves
 * @param withheld methods whose answers are secrets
 * @param lookOnly the methods whose answers are never written back, so that whoever asks gets them redacted
 */
export function taped<T extends object>(
  name: string,
  open: () => Promise<T>,
  {
    known = {},
    nested = [],
    withheld = [],
    lookOnly = () => false,
  }: {
    readonly known?: Partial<T>;
    readonly nested?: readonly string[];
    readonly withheld?: readonly string[];
    readonly lookOnly?: (method: string) => boolean;
  } = {},
): T {
  let opened: Promise<T> | undefined;
  const client = (): Promise<T> => (opened ??= open());
  const inner = new Map<string, object>();
  const get = (_target: object, key: string | symbol): unknown => {
    // A client is no promise, whoever asks.
    if (typeof key === 'symbol' || key === 'then') return undefined;
    if (key in known) return known[key as keyof T];
    if (nested.includes(key)) {
      const there =
        inner.get(key) ??
        taped(`${name} ${key}`, async () => (await client())[key as keyof T] as object, {
          withheld,
          lookOnly,
        });
      inner.set(key, there);
      return there;
    }
    return (...args: unknown[]): Promise<unknown> =>
      ask(
        [name, key, ...args.map(brief)].filter((word) => word !== '').join(' '),
        async () => {
          const target = await client();
          return await (target[key as keyof T] as (...given: unknown[]) => Promise<unknown>).apply(target, args);
        },
        withheld.includes(key) ? { keep: () => ({}) } : { lookOnly: lookOnly(key) },
      );
  };
  return new Proxy({}, { get }) as T;
}

/** An argument in a question: what it names, and nothing that differs from run to run. */
function brief(argument: unknown): string {
  if (typeof argument === 'string' || typeof argument === 'number') return String(argument);
  if (Array.isArray(argument)) return argument.map(brief).join(',');
  if (typeof argument !== 'object' || argument === null) return '';
  const { kind, metadata, namespace, name, labelSelector } = argument as {
    kind?: unknown;
    metadata?: { namespace?: unknown; name?: unknown };
    namespace?: unknown;
    name?: unknown;
    labelSelector?: unknown;
  };
  return [kind, metadata?.namespace, metadata?.name, namespace, name, labelSelector]
    .filter((word) => typeof word === 'string')
    .join('/');
}
