import { clash, type Player } from './turns.ts';

/** A scenario with what it took the last time. */
export interface Timed extends Player {
  readonly seconds: number;
  /** Where its author wants it, among all. */
  readonly plays?: 'first' | 'last' | undefined;
}

/**
 * The order in which scenarios begin so that the run is short: as if they took what they took the last time, each time
 * a place is free the one begins behind which most is waiting. What opens begins first; what needs the mesh for itself
 * comes at the end, in the order given. It is only an order: who may play beside whom is decided while they play.
 *
 * @param places how many play at once
 */
export function packed<T extends Timed>(scenarios: readonly T[], places: number): T[] {
  const alone = scenarios.filter(({ needs, plays }) => needs.ownsMesh === true || plays === 'last');
  let left = scenarios.filter((one) => !alone.includes(one));
  const order: T[] = [];
  let playing: { readonly one: T; readonly until: number }[] = [];
  let now = 0;
  while (left.length > 0) {
    const able = left.filter((one) => playing.every(({ one: other }) => clash(one, other) === undefined));
    const rest = left;
    const next = able.toSorted((a, b) => rank(b) - rank(a) || behind(b, rest) - behind(a, rest))[0];
    if (next !== undefined && playing.length < places) {
      order.push(next);
      playing.push({ one: next, until: now + next.seconds });
      left = left.filter((one) => one !== next);
    } else {
      now = Math.min(...playing.map(({ until }) => until));
      const time = now;
      playing = playing.filter(({ until }) => until > time);
    }
  }
  return [...order, ...alone];
}

const rank = ({ plays }: Timed): number => (plays === 'first' ? 1 : 0);

/** Seconds of a scenario and of all that cannot play beside it. */
const behind = (one: Timed, all: readonly Timed[]): number =>
  all
    .filter((other) => other === one || clash(one, other) !== undefined)
    .reduce((sum, { seconds }) => sum + seconds, 0);
