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
