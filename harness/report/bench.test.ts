import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { formatBench, chanceApart, compareSeries, seriesOf, spreadOf } from './bench.ts';
import { runRecordSchema, type RunData } from './run-data.ts';

const recorded = runRecordSchema.parse(
  JSON.parse(await readFile(new URL('../../fixtures/runs/three-scenarios.json', import.meta.url), 'utf8')),
);
/** The recorded run, as much slower or faster as a factor says. */
const scaled = (factor: number): RunData => ({
  ...recorded,
  endedAt: new Date(Date.parse(recorded.startedAt) + 100_000 * factor).toISOString(),
  phases: Object.fromEntries(
    Object.entries(recorded.phases).map(([name, { from, to }]) => [name, { from, to: from + (to - from) * factor }]),
  ),
  scenarios: recorded.scenarios.map((one) => ({ ...one, seconds: one.seconds * factor })),
});
const series = (...factors: readonly number[]): ReturnType<typeof seriesOf> => seriesOf(factors.map(scaled));

describe('the spread of some times', () => {
  test.each([
    [[3], { min: 3, median: 3, max: 3 }],
    [[5, 1, 3], { min: 1, median: 3, max: 5 }],
    [[4, 1, 3, 2], { min: 1, median: 2.5, max: 4 }],
  ])('%j', (seconds, spread) => {
    expect(spreadOf(seconds)).toEqual(spread);
  });
});

test('a series has each phase and each scenario that every run has', () => {
  const { runs, phases, scenarios } = series(1, 2, 3);
  expect(runs).toBe(3);
  expect(Object.keys(scenarios)).toEqual(recorded.scenarios.map(({ id }) => id));
  const [first] = recorded.scenarios;
  const spread = scenarios[first?.id ?? ''];
  expect(spread?.median).toBeCloseTo(2 * (first?.seconds ?? 0), 1);
  expect(phases['total']?.max).toBeCloseTo(3 * (phases['total']?.min ?? 0), 0);
  const short = seriesOf([scaled(1), { ...scaled(1), scenarios: [] }]);
  expect(short.scenarios).toEqual({});
});

describe('a difference is beyond noise', () => {
  const beyond = (base: readonly number[], head: readonly number[]): boolean =>
    compareSeries(series(...base), series(...head)).some(({ beyondNoise }) => beyondNoise);

  test.each([
    ['when all four of one side are slower than all four of the other', [1, 1.1, 1.2, 1.3], [2, 2.1, 2.2, 2.3], true],
    ['also when they are faster', [2, 2.1, 2.2, 2.3], [1, 1.1, 1.2, 1.3], true],
    ['not when one of them is not', [1, 1.1, 1.2, 2.05], [2, 2.1, 2.2, 2.3], false],
    ['not when it is the same runs', [1, 1.1, 1.2, 1.3], [1, 1.1, 1.2, 1.3], false],
    ['not with three runs, however far apart', [1, 1, 1], [9, 9, 9], false],
  ])('%s', (_when, base, head, expected) => {
    expect(beyond(base, head)).toBe(expected);
  });

  test('by the chance that it is none', () => {
    expect(chanceApart(1, 1)).toBe(1);
    expect(chanceApart(3, 3)).toBeCloseTo(0.1);
    expect(chanceApart(4, 4)).toBeCloseTo(2 / 70);
  });
});

test('the table names each time, and says when runs are too few', () => {
  expect(formatBench(series(1))).toContain('one run');
  const told = formatBench(series(1, 2), series(3, 4));
  expect(told).toContain('beyond noise');
  expect(told).toContain('too few');
  expect(formatBench(series(1, 1, 1, 1), series(2, 2, 2, 2))).toMatch(/total \|.*\+100 % \| yes/);
});

test('a series has the seconds until all clusters had something, where every run tells them', () => {
  const told = (seconds: number): RunData => ({
    ...scaled(1),
    phases: { clusters: { from: 2, to: 20 } },
    bringUp: [
      { cluster: 'west', what: 'istiod', from: 20, to: seconds },
      { cluster: 'east', what: 'istiod', from: 20, to: seconds + 1 },
    ],
  });
  const bench = seriesOf([told(30), told(32)]);
  expect(bench.bringUp).toEqual({ istiod: { min: 29, median: 30, max: 31 } });
  expect(formatBench(bench)).toContain('until istiod | 29.0 / 30.0 / 31.0 s');
  expect(seriesOf([told(30), scaled(1)]).bringUp).toEqual({});
});
