import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Interrupt, interruptedWithin } from './interrupt.ts';

describe('an interrupt of a scenario', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('ends its waits at once while it plays', () => {
    const run = new AbortController();
    const { signal } = new Interrupt(run.signal);
    expect(signal.aborted).toBe(false);
    run.abort();
    expect(signal.aborted).toBe(true);
  });

  test.each([
    ['before it begins to undo', true],
    ['while it undoes', false],
  ])('%s leaves it time to undo, and not for ever', (_when, before) => {
    const run = new AbortController();
    const interrupt = new Interrupt(run.signal);
    if (before) run.abort(new Error('Ctrl-C'));
    interrupt.beginToUndo();
    const { signal } = interrupt;
    if (!before) {
      // Without an interrupt nothing is late.
      vi.advanceTimersByTime(10 * interruptedWithin);
      run.abort(new Error('Ctrl-C'));
    }
    vi.advanceTimersByTime(60_000);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(interruptedWithin);
    expect(signal.reason).toMatchObject({ message: 'Ctrl-C' });
  });
});
