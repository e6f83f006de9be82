import { AsyncLocalStorage } from 'node:async_hooks';
import { looking, type Looking } from '../tape/tape.ts';

/** What a matcher says about one look. */
export interface Verdict {
  readonly pass: boolean;
  readonly message: () => string;
}

/**
 * The rules by which claims about a moving mesh are judged. What is there must be there several times in a row; what is
 * absent must stay absent through a window, and one sight of it ends the claim: it is never looked at again until it
 * happens to be gone.
 */
export const rules = {
  /** A claim of presence holds when this many looks in a row hold. */
  inARow: 3,
  /** Deadline of a claim of presence, in milliseconds. */
  within: 20_000,
  /** A claim of absence is looked at through this time, in milliseconds, and at least `inARow` times. */
  window: 1_000,
  /** Pause between two looks, in milliseconds. */
  every: 100,
} as const;

/**
 * The rules for what a whole mesh does every time, a call that is answered say. What comes once does not go again: each
 * loss doubles the looks in a row that are asked for, and the third refutes the claim, since half of the calls fail.
 */
export const steadily = { ...rules, losses: 2 } as const;

/** Begins to watch whether all that was applied has reached every proxy of every cluster. */
type Delivery = () => () => Promise<boolean>;
const deliveries = new AsyncLocalStorage<Delivery>();

/**
 * Plays something whose claims of presence may end early: once all has been delivered, what does not hold by then does
 * not come.
 */
export async function whileDelivering<T>(delivery: Delivery, work: () => Promise<T>): Promise<T> {
  return await deliveries.run(delivery, work);
}

/**
 * A claim of presence is given at least this time, in milliseconds: what follows a push, a health check say, takes a
 * moment more.
 */
const atLeast = 6_000;

type Rules = { readonly [Key in keyof typeof rules]: number } & {
  /** How often a presence may be lost again after it was seen, where that counts; the next loss refutes it. */
  readonly losses?: number;
};
type Look = () => Promise<Verdict>;

/**
 * Presence: looks until the verdict is the wanted one `inARow` times in a row, or the deadline passes. Where no look
 * ever held and all that was applied has reached every proxy, it ends before: nothing more will come.
 *
 * @param wanted false under `expect(…).not`
 * @returns the last verdict, with the number of looks in its message
 */
export async function eventually(
  look: Look,
  wanted: boolean,
  { inARow, within, every, losses: mostLosses }: Rules = rules,
  name = 'eventually',
): Promise<Verdict> {
  const series = looking(name);
  const begun = performance.now();
  let [losses, heldLooks, asked] = [0, 0, inARow];
  let [held, watch]: [boolean, (() => Promise<boolean>) | undefined] = [false, undefined];
  const settled = async (): Promise<boolean> => {
    if (held || performance.now() - begun < every * 10) return false;
    watch ??= deliveries.getStore()?.();
    return watch !== undefined && (await watch()) && performance.now() - begun >= atLeast;
  };
  for (let looks = 1, row = 0; ; looks += 1) {
    const verdict = await lookedAt(look, series);
    const isWanted = verdict.pass === wanted;
    held ||= isWanted;
    heldLooks += Number(isWanted);
    if (!isWanted && row > 0 && mostLosses !== undefined) {
      losses += 1;
      asked *= 2;
    }
    row = isWanted ? row + 1 : 0;
    if (row === asked) {
      series.end();
      return verdict;
    }
    if (mostLosses !== undefined && losses > mostLosses) {
      series.end();
      const told = `it comes and goes: ${heldLooks} of ${looks} looks held, it was lost ${losses} times; last seen:`;
      return { pass: !wanted, message: () => `${told}\n${verdict.message()}` };
    }
    if (await series.again({ every, until: (seconds) => seconds * 1000 + every > within, settled })) continue;
    const told =
      `${row > 0 ? `only the last ${row} of ` : ''}${looks} looks within ${series.end().toFixed(0)} s, ` +
      `${asked} in a row are asked for; last seen:`;
    return { pass: !wanted, message: () => `${told}\n${verdict.message()}` };
  }
}

/** One look. A probe that throws ends its series as well: a replay then comes to the very look that threw. */
async function lookedAt(look: Look, series: Looking): Promise<Verdict> {
  try {
    return await look();
  } catch (error) {
    series.end();
    throw error;
  }
}

/** Looks through the whole window; the first verdict that is `ending` ends it. */
async function through(look: Look, ending: boolean, { inARow, window, every }: Rules, name: string): Promise<Verdict> {
  const series = looking(name);
  for (let looks = 1; ; looks += 1) {
    const verdict = await lookedAt(look, series);
    if (verdict.pass === ending) {
      const seconds = series.end();
      return {
        ...verdict,
        message: () =>
          `look ${looks}, ${seconds.toFixed(1)} s into a window of ${window / 1000} s:\n${verdict.message()}`,
      };
    }
    if (await series.again({ every, until: (seconds, count) => count >= inARow && seconds * 1000 >= window })) continue;
    const seconds = series.end();
    return {
      ...verdict,
      message: () => `${looks} looks through ${seconds.toFixed(1)} s, all the same:\n${verdict.message()}`,
    };
  }
}

/** Stability: holds at every look of the window; the first look that does not hold refutes it. */
export const always = (look: Look, how: Rules = rules, name = 'always'): Promise<Verdict> =>
  through(look, false, how, name);

/** Absence, as `expect(…).not`: did it hold at any look of the window? The first that holds refutes the absence. */
export const ever = (look: Look, how: Rules = rules, name = 'ever'): Promise<Verdict> => through(look, true, how, name);
