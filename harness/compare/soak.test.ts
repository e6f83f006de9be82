import { expect, test } from 'vitest';
import { figuresOf, type Soak } from './soak.ts';

const runs = (count: number, red: readonly string[] = []): Soak['runs'] =>
  Array.from({ length: count }, (_, index) => ({
    run: `r${index}`,
    underLoad: index % 2 === 1,
    red: index === 0 ? [...red] : [],
    claims: 60,
    seconds: 100,
  }));

test('thirty green runs exclude a rate above 9.5 % at 95 %: 0.905 to the power of thirty is one in twenty', () => {
  expect(figuresOf({ runs: runs(30) })).toMatchObject({
    runs: 30,
    falseReds: 0,
    seconds: 3000,
    claims: 1800,
    underLoad: 15,
    excludes: 0.095,
  });
});

test('one red run is counted by its claims, named, and raises the bound', () => {
  const figures = figuresOf({ runs: runs(30, ['a: b', 'a: c']) });
  expect(figures).toMatchObject({ falseReds: 2, red: ['r0 a: b', 'r0 a: c'] });
  expect(figures.excludes).toBeGreaterThan(0.14);
  expect(figures.excludes).toBeLessThan(0.16);
});

test('no runs exclude nothing', () => {
  expect(figuresOf({ runs: [] })).toMatchObject({ runs: 0, excludes: 1 });
});
