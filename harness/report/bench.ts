import { milestones, reachedAfter } from './milestones.ts';
import { phases, phaseSeconds, type RunData } from './run-data.ts';

/** How long something took in several runs, in seconds. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Times of several runs of the same thing: by phase (`total` is the whole run), and by scenario. */
export interface Series {
  readonly runs: number;
  readonly phases: Readonly<Record<string, Spread>>;
  readonly scenarios: Readonly<Record<string, Spread>>;
  /** Seconds from the beginning of the clusters until all of them had something; empty for runs that tell nothing. */
  readonly bringUp: Readonly<Record<string, Spread>>;
}

/** What took another time in another series. */
export interface TimeDifference {
  /** A phase, or the id of a scenario. */
  readonly name: string;
  readonly base: Spread;
  readonly head: Spread;
  /** True when every time of one series is above every time of the other, and that is too many to be chance. */
  readonly beyondNoise: boolean;
}

/**
 * The times of some runs. A phase or a scenario that not every run has is left out: its times would be of other runs.
 */
export function seriesOf(runs: readonly RunData[]): Series {
  const times = runs.map((run) => ({
    phases: phaseSeconds(run),
    scenarios: Object.fromEntries(run.scenarios.map(({ id, seconds }) => [id, seconds])),
    bringUp: reachedAfter(run.bringUp ?? [], run.phases.clusters?.from ?? 0),
  }));
  const spreads = (key: 'phases' | 'scenarios' | 'bringUp', names: readonly string[]): Record<string, Spread> =>
    Object.fromEntries(
      names.flatMap((name) => {
        const seconds = times.flatMap((one) => one[key][name] ?? []);
        return seconds.length === runs.length && seconds.length > 0 ? [[name, spreadOf(seconds)] as const] : [];
      }),
    );
  return {
    runs: runs.length,
    phases: spreads('phases', [...phases, 'total']),
    scenarios: spreads('scenarios', Object.keys(times[0]?.scenarios ?? {})),
    bringUp: spreads('bringUp', milestones),
  };
}

/** @param seconds one or more */
export function spreadOf(seconds: readonly number[]): Spread {
  const sorted = [...seconds].sort((left, right) => left - right);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)] ?? 0, sorted[Math.ceil(middle)] ?? 0];
  return { min: sorted[0] ?? 0, median: round((low + high) / 2), max: sorted.at(-1) ?? 0 };
}

const round = (seconds: number): number => Math.round(seconds * 100) / 100;

/**
 * How likely two series of the same thing lie wholly apart by chance: of all orders of their times, two do. It is the
 * smallest p-value that the rank test of Mann and Whitney can give for so few runs.
 */
export function chanceApart(base: number, head: number): number {
  let orders = 1;
  for (let index = 1; index <= head; index += 1) orders = (orders * (base + index)) / index;
  return 2 / orders;
}

/** Chance above which a difference may be noise. With four runs on each side it is 2.9 %, with three 10 %. */
const noiseAbove = 0.05;

/** What a time is called: how long all clusters waited for something is told apart from a phase or a scenario. */
const nameIn = (key: 'phases' | 'scenarios' | 'bringUp', name: string): string =>
  key === 'bringUp' ? `until ${name}` : name;

/** What two series differ in: every phase and scenario that both have. */
export function compareSeries(base: Series, head: Series): TimeDifference[] {
  const telling = chanceApart(base.runs, head.runs) <= noiseAbove;
  return (['phases', 'scenarios', 'bringUp'] as const).flatMap((key) =>
    Object.entries(base[key]).flatMap(([name, was]) => {
      const is = head[key][name];
      if (is === undefined) return [];
      const apart = is.min > was.max || is.max < was.min;
      return [{ name: nameIn(key, name), base: was, head: is, beyondNoise: telling && apart }];
    }),
  );
}

/** The series as a table, with what a second one makes of it. */
export function formatBench(base: Series, head?: Series): string {
  const told = ({ min, median, max }: Spread): string =>
    base.runs === 1 && min === max
      ? `${median.toFixed(1)} s`
      : `${min.toFixed(1)} / ${median.toFixed(1)} / ${max.toFixed(1)} s`;
  const differences = head === undefined ? [] : compareSeries(base, head);
  const names = (['phases', 'bringUp', 'scenarios'] as const).flatMap((key) =>
    Object.entries(base[key]).map(([name, spread]) => [nameIn(key, name), spread] as const),
  );
  const rows = names.map(([name, spread]) => {
    const other = differences.find((one) => one.name === name);
    const change = other === undefined || other.base.median === 0 ? 0 : other.head.median / other.base.median - 1;
    const verdict =
      other === undefined
        ? []
        : [
            told(other.head),
            `${change < 0 ? '' : '+'}${(change * 100).toFixed(0)} %`,
            other.beyondNoise ? 'yes' : 'no',
          ];
    return [name, told(spread), ...verdict].join(' | ');
  });
  const columns = head === undefined ? ['what', 'seconds'] : ['what', 'base', 'head', 'median', 'beyond noise'];
  const few =
    head !== undefined && chanceApart(base.runs, head.runs) > noiseAbove
      ? [
          '',
          `${base.runs} and ${head.runs} runs are too few to tell a difference from noise: take four or more of each.`,
        ]
      : [];
  const kind = base.runs === 1 ? 'one run' : `${base.runs} runs: min / median / max`;
  return [kind, columns.join(' | '), columns.map((_one, index) => (index === 0 ? '---' : '---:')).join(' | '), ...rows]
    .concat(few, 'Phases overlap, so they add up to more than the total.', '')
    .join('\n');
}
