import { expect, test } from 'vitest';
import { lastBegun, windowOf } from './load-window.ts';

const load = { url: 'http://httpbin/hostname', perSecond: 2, atMost: 10 };
const call = (at: number, status: number, body: string): Parameters<typeof windowOf>[0]['calls'][number] => ({
  at,
  status,
  exitCode: status === 0 ? 28 : 0,
  seconds: 0.1,
  body,
});
const calls = Array.from({ length: 20 }, (_, index) =>
  call(index / 2, index === 5 ? 0 : index === 7 ? 503 : 200, index < 10 ? 'httpbin-a' : 'httpbin-b'),
);

test('counts the calls that began within the time, those that failed, and who answered', () => {
  const { all, failed, told, servedBy } = windowOf({ calls }, load, 2, 6);
  expect({ all, failed, told }).toEqual({ all: 8, failed: 2, told: '2 of 8 calls failed' });
  const by = (pod: string): number => servedBy(({ body }) => body === pod);
  expect([by('httpbin-a'), by('httpbin-b'), by('httpbin-c')]).toEqual([6, 2, 0]);
});

test('a time in which too little was called says nothing, and is refused', () => {
  const thin = calls.filter(({ at }) => at < 4 || at >= 5);
  expect(() => windowOf({ calls: thin }, load, 4, 6)).toThrow(
    expect.objectContaining({
      code: 'MP702',
      details: expect.objectContaining({ expected: '4 calls from second 4 to second 6', seen: '2 calls' }),
    }),
  );
  expect(windowOf({ calls: thin }, load, 0, 10).all).toBe(18);
});

test('the last calls by a moment are counted from it backwards, those that hang among them', () => {
  const { all, failed, servedBy } = lastBegun({ calls }, 4, 3.5);
  expect({ all, failed }).toEqual({ all: 4, failed: 2 });
  expect(servedBy(({ status }) => status === 503)).toBe(1);
  expect(lastBegun({ calls }, 40, 3.5).all).toBe(8);
});
