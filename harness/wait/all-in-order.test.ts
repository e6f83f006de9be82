import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { allInOrder } from './all-in-order.ts';

const failing = async (after: number, words: string): Promise<never> => {
  await pause(after);
  throw new Error(words);
};

test('the first one in the order is told, though another failed earlier', async () => {
  await expect(allInOrder([pause(1), failing(20, 'the client'), failing(1, 'the gateway')])).rejects.toThrow(
    'the client',
  );
});

test('one that failed is told, though those before it take longer', async () => {
  let ended = false;
  const slow = pause(20).then(() => (ended = true));
  await expect(allInOrder([slow, failing(1, 'the gateway')])).rejects.toThrow('the gateway');
  expect(ended).toBe(true);
});

test('the values come in order', async () => {
  expect(await allInOrder([pause(5, 1), pause(1, 2)])).toEqual([1, 2]);
});
