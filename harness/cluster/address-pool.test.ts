import { describe, expect, test } from 'vitest';
import { checkPools, computePools, parsePool } from './address-pool.ts';

const network = { subnet: '172.17.0.0/16', taken: ['172.17.0.1', '172.17.0.2', '172.17.0.3'] };

describe('computed pools', () => {
  test('lie at the top of the network and do not overlap', () => {
    expect(computePools(['west', 'east'], network)).toEqual({
      west: { first: '172.17.255.239', last: '172.17.255.254' },
      east: { first: '172.17.255.223', last: '172.17.255.238' },
    });
  });

  test('step over an address that is taken', () => {
    const pools = computePools(['west'], { ...network, taken: ['172.17.255.250'] });
    expect(pools).toEqual({ west: { first: '172.17.255.234', last: '172.17.255.249' } });
  });

  test('work in a small network, down to its last free address', () => {
    const pools = computePools(['a', 'b'], { subnet: '10.0.0.0/28', taken: ['10.0.0.1'] }, 6);
    expect(pools).toEqual({ a: { first: '10.0.0.9', last: '10.0.0.14' }, b: { first: '10.0.0.3', last: '10.0.0.8' } });
  });

  test('refuse a network that is too small', () => {
    expect(() => computePools(['a', 'b'], { subnet: '10.0.0.0/28', taken: ['10.0.0.1'] }, 7)).toThrow(
      expect.objectContaining({ code: 'MP502' }),
    );
  });

  test('pass their own check', () => {
    expect(() => {
      checkPools(computePools(['west', 'east', 'north'], network), network);
    }).not.toThrow();
  });
});

describe('pools of the user', () => {
  test.each([
    ['outside of the network', { west: { first: '10.0.0.1', last: '10.0.0.9' } }, 'outside'],
    ['holding the broadcast address', { west: { first: '172.17.255.250', last: '172.17.255.255' } }, 'outside'],
    ['holding an address in use', { west: { first: '172.17.0.2', last: '172.17.0.9' } }, 'in use'],
    ['backwards', { west: { first: '172.17.9.9', last: '172.17.9.1' } }, 'ends before'],
    [
      'overlapping',
      { west: { first: '172.17.9.1', last: '172.17.9.9' }, east: { first: '172.17.9.9', last: '172.17.9.12' } },
      'overlaps',
    ],
  ])('%s are refused', (_name, pools, words) => {
    expect(() => {
      checkPools(pools, network);
    }).toThrow(expect.objectContaining({ code: 'MP502', message: expect.stringContaining(words) }));
  });
});

test.each(['172.17.0.1', 'a-b', '172.17.0.1-172.17.0.2-172.17.0.3', '1-2'])('"%s" is not a range', (text) => {
  expect(parsePool(text)).toBeUndefined();
});
