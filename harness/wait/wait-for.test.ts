import { expect, test } from 'vitest';
import { holds, notYet, waitFor } from './wait-for.ts';

test('gives the value as soon as the condition holds', async () => {
  let looks = 0;
  const value = await waitFor({
    name: 'three looks',
    within: 1_000,
    every: 1,
    look: () => Promise.resolve(++looks === 3 ? holds(looks) : notYet('too few')),
  });
  expect(value).toBe(3);
});

test('ends at its deadline with the condition’s name and what was last seen', async () => {
  let looks = 0;
  const waiting = waitFor({
    name: 'the moon is blue',
    within: 30,
    every: 5,
    where: 'the sky',
    look: () => Promise.resolve(notYet(`grey, look ${++looks}`)),
  });
  await expect(waiting).rejects.toThrow(
    expect.objectContaining({
      code: 'MP701',
      message: expect.stringContaining('the moon is blue'),
      details: expect.objectContaining({ where: 'the sky', seen: expect.stringMatching(/^grey, look \d+$/) }),
    }),
  );
});

test('a throw ends the wait at once, unless it is tolerated', async () => {
  const refuse = (): Promise<never> => Promise.reject(new Error('ECONNREFUSED'));
  await expect(waitFor({ name: 'x', within: 10_000, look: refuse })).rejects.toThrow('ECONNREFUSED');
  await expect(waitFor({ name: 'x', within: 20, every: 5, look: refuse, tolerates: () => true })).rejects.toThrow(
    expect.objectContaining({ code: 'MP701', details: expect.objectContaining({ seen: 'ECONNREFUSED' }) }),
  );
});

test('an abort ends the wait with its reason', async () => {
  const controller = new AbortController();
  const waiting = waitFor({
    name: 'x',
    within: 10_000,
    every: 5,
    signal: controller.signal,
    look: () => Promise.resolve(notYet('no')),
  });
  controller.abort(new Error('stop'));
  await expect(waiting).rejects.toThrow();
  expect(controller.signal.reason).toMatchObject({ message: 'stop' });
});

test('a look that never comes back is given up at the deadline, with what was seen before it', async () => {
  let looks = 0;
  let told: AbortSignal | undefined;
  const begun = performance.now();
  const waiting = waitFor({
    name: 'the server answers',
    within: 1_000,
    every: 5,
    look: (signal) => {
      told = signal;
      return ++looks === 1 ? Promise.resolve(notYet('an empty list')) : new Promise<never>(() => undefined);
    },
  });
  await expect(waiting).rejects.toThrow(
    expect.objectContaining({
      code: 'MP716',
      details: expect.objectContaining({ seen: expect.stringMatching(/^an empty list \(no answer/) }),
    }),
  );
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(told?.aborted).toBe(true);
});

test('a look that the deadline merely cut off leaves what was seen before it', async () => {
  const look = (): Promise<ReturnType<typeof notYet>> =>
    new Promise((resolve) => setTimeout(resolve, 30, notYet('an empty list')));
  await expect(waitFor({ name: 'the server answers', within: 600, every: 1, look })).rejects.toThrow(
    expect.objectContaining({ code: 'MP701', details: expect.objectContaining({ seen: 'an empty list' }) }),
  );
});

test('an abort ends a look that never comes back', async () => {
  const controller = new AbortController();
  const look = (): Promise<never> => new Promise(() => undefined);
  const waiting = waitFor({ name: 'x', within: 60_000, signal: controller.signal, look });
  controller.abort(new Error('stop'));
  await expect(waiting).rejects.toThrow('stop');
});

test('what a look that was given up throws later is nobody’s unhandled rejection', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  let fail: (error: Error) => void = () => undefined;
  const look = (): Promise<never> =>
    new Promise((_, reject) => {
      fail = reject;
    });
  await expect(waitFor({ name: 'x', within: 10, look })).rejects.toThrow();
  fail(new Error('ECONNRESET'));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});
