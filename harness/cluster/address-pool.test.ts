import { describe, expect, test } from 'vitest';
import { addressesOf, checkPools, computePools, parsePool } from './address-pool.ts';

const network = { subnet: '172.17.0.0/16', taken: ['172.17.0.1', '172.17.0.2', '172.17.0.3'] };

const number = (text = ''): number => text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
const address = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');

describe('computed pools', () => {
  test('lie away from where Docker allots and from where people put pools of their own, and do not overlap', () => {
    for (const owner of ['meshproof', 'a', 'b', 'somebody-else', 'x-1', 'x-2']) {
      const { west, east } = computePools(['west', 'east'], network, { owner });
      const [eastFirst, eastLast, westFirst, westLast] = [east?.first, east?.last, west?.first, west?.last].map(number);
      expect(eastFirst).toBeGreaterThan(number('172.17.127.255'));
      expect(westLast).toBeLessThan(number('172.17.224.0'));
      expect(westFirst).toBe((eastLast ?? 0) + 1);
      expect((eastLast ?? 0) - (eastFirst ?? 0)).toBe(15);
    }
  });

  test('of one owner are always the same, and of others they are elsewhere', () => {
    const of = (owner: string): string => JSON.stringify(computePools(['west', 'east'], network, { owner }));
    const owners = ['meshproof', 'gate-base', 'gate-head', 'team-a', 'team-b'];
    expect(of('meshproof')).toBe(of('meshproof'));
    expect(new Set(owners.map(of)).size).toBe(owners.length);
  });

  test('step over an address that is taken', () => {
    const before = computePools(['west'], network).west ?? { first: '', last: '' };
    const taken = address(number(before.last) - 4);
    expect(computePools(['west'], { ...network, taken: [taken] })).toEqual({
      west: { first: address(number(taken) - 16), last: address(number(taken) - 1) },
    });
  });

  test('move away as a whole when all of their place is taken', () => {
    const half = { subnet: '10.0.0.0/24', taken: Array.from({ length: 100 }, (_, index) => `10.0.0.${127 + index}`) };
    const pools = computePools(['west', 'east'], half);
    expect(Object.keys(pools)).toEqual(['west', 'east']);
    expect(() => {
      checkPools(pools, half);
    }).not.toThrow();
  });

  test('work in a small network, down to its last free address', () => {
    const pools = computePools(['a', 'b'], { subnet: '10.0.0.0/28', taken: ['10.0.0.1'] }, { size: 6 });
    expect(pools).toEqual({ a: { first: '10.0.0.9', last: '10.0.0.14' }, b: { first: '10.0.0.3', last: '10.0.0.8' } });
  });

  test('refuse a network that is too small', () => {
    expect(() => computePools(['a', 'b'], { subnet: '10.0.0.0/28', taken: ['10.0.0.1'] }, { size: 7 })).toThrow(
      expect.objectContaining({ code: 'MP502' }),
    );
  });

  test('pass their own check, whoever owns them and however large the network is', () => {
    for (const subnet of ['172.17.0.0/16', '192.168.0.0/20', '10.89.0.0/24', '10.0.0.0/25', '10.0.0.0/26']) {
      for (const owner of ['meshproof', 'other', 'third']) {
        const whole = { subnet, taken: [] };
        expect(() => {
          checkPools(computePools(['west', 'east', 'north'], whole, { owner }), whole);
        }).not.toThrow();
      }
    }
  });
});

test('the addresses of pools are listed up to a number', () => {
  const pools = { west: { first: '10.0.0.254', last: '10.0.1.1' }, east: { first: '10.0.2.0', last: '10.0.2.255' } };
  expect(addressesOf(pools, 3)).toEqual(['10.0.0.254', '10.0.0.255', '10.0.1.0', '10.0.2.0', '10.0.2.1', '10.0.2.2']);
});

describe('pools that the user gives', () => {
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
