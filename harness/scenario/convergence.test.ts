import { describe, expect, test } from 'vitest';
import { always, eventually, ever, type Verdict } from './convergence.ts';

const quick = { inARow: 3, within: 60, window: 20, every: 1 };
/** Answers with each of these in turn, the last one for ever after. */
function answers(...passes: readonly boolean[]): { look: () => Promise<Verdict>; count: () => number } {
  let count = 0;
  return {
    look: () => {
      const pass = passes[Math.min(count, passes.length - 1)] ?? false;
      count += 1;
      return Promise.resolve({ pass, message: () => `look ${count}: ${String(pass)}` });
    },
    count: () => count,
  };
}

describe('presence', () => {
  test('needs three looks in a row: a look that fails starts the count anew', async () => {
    const { look, count } = answers(false, true, true, false, true, true, true);
    // Nothing is waited for to its end, so the deadline may be one that a busy machine keeps.
    expect((await eventually(look, true, { ...quick, within: 10_000 })).pass).toBe(true);
    expect(count()).toBe(7);
  });

  test('that never comes tells how often it was looked for, and what was last seen', async () => {
    const verdict = await eventually(answers(false).look, true, quick);
    expect(verdict.pass).toBe(false);
    expect(verdict.message()).toMatch(/looks within 0 s, 3 in a row are asked for; last seen:\nlook \d+: false/);
  });

  test('that must be steady has to hold longer after it was lost, and is refuted when it comes and goes', async () => {
    const steady = { ...quick, within: 1_000, losses: 2 };
    const late = answers(false, false, true, true, true);
    expect((await eventually(late.look, true, steady)).pass).toBe(true);
    expect(late.count()).toBe(5);
    const once = answers(true, false, true);
    expect((await eventually(once.look, true, steady)).pass).toBe(true);
    expect(once.count()).toBe(8);
    const half = answers(...Array.from({ length: 40 }, (_, index) => index % 2 === 0));
    const verdict = await eventually(half.look, true, steady);
    expect(verdict.pass).toBe(false);
    expect(half.count()).toBe(6);
    expect(verdict.message()).toMatch(/^it comes and goes: 3 of 6 looks held, it was lost 3 times; last seen:/);
  });

  test('under “not” waits for it to go', async () => {
    expect((await eventually(answers(true, false, false, false).look, false, quick)).pass).toBe(false);
    expect((await eventually(answers(true).look, false, quick)).pass).toBe(true);
  });
});

describe('absence', () => {
  test('is refuted by one sight, and not looked at again', async () => {
    const { look, count } = answers(false, true, false);
    const verdict = await ever(look, quick);
    expect(verdict.pass).toBe(true);
    expect(verdict.message()).toContain('look 2');
    expect(count()).toBe(2);
  });

  test('holds through the whole window', async () => {
    const { look, count } = answers(false);
    const started = performance.now();
    expect((await ever(look, quick)).pass).toBe(false);
    expect(performance.now() - started).toBeGreaterThanOrEqual(quick.window);
    expect(count()).toBeGreaterThanOrEqual(3);
  });

  test('what must stay is refuted by the first look without it', async () => {
    const { look, count } = answers(true, false, true);
    expect((await always(look, quick)).pass).toBe(false);
    expect(count()).toBe(2);
    expect((await always(answers(true).look, quick)).pass).toBe(true);
  });
});
