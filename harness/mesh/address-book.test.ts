import { describe, expect, test } from 'vitest';
import { allotAddresses } from './address-book.ts';

const hosts = Array.from({ length: 300 }, (_, index) => `service-${index}.bar.global`);
const none = new Set<string>();

describe('addresses', () => {
  test('are of the range, and no two hosts share one', () => {
    const book = allotAddresses(hosts, {}, none, '240.64.0.0/23');
    expect(new Set(Object.values(book)).size).toBe(300);
    expect(
      Object.values(book).every(
        (address) => /^240\.64\.[01]\.\d+$/.test(address) && address !== '240.64.0.0' && address !== '240.64.1.255',
      ),
    ).toBe(true);
  });

  test('are the same in every run, whatever the order of the hosts', () => {
    expect(allotAddresses([...hosts].reverse(), {}, none)).toEqual(allotAddresses(hosts, {}, none));
  });

  test('stay when hosts come and go', () => {
    const before = allotAddresses(hosts, {}, none, '240.64.0.0/23');
    const after = allotAddresses([...hosts.slice(100), 'new.bar.global'], before, none, '240.64.0.0/23');
    for (const host of hosts.slice(100)) expect(after[host]).toBe(before[host]);
    expect(Object.keys(after)).toHaveLength(201);
  });

  test('of somebody else are left alone, also when one was ours before', () => {
    const [host = ''] = hosts;
    const before = allotAddresses([host], {}, none);
    const after = allotAddresses([host], before, new Set(Object.values(before)));
    expect(after[host]).not.toBe(before[host]);
  });

  test('that two hosts were written down with go to one of them', () => {
    const after = allotAddresses(
      ['a.b.global', 'c.d.global'],
      { 'a.b.global': '240.64.0.9', 'c.d.global': '240.64.0.9' },
      none,
    );
    expect(after['a.b.global']).toBe('240.64.0.9');
    expect(after['c.d.global']).not.toBe('240.64.0.9');
  });

  test('run out with a clear error', () => {
    expect(() => allotAddresses(hosts, {}, none, '240.64.0.0/28')).toThrow(expect.objectContaining({ code: 'MP609' }));
  });

  test.each([['10.0.0.0/16'], ['240.0.0.0/30'], ['somewhere']])('are refused outside of class E: %s', (range) => {
    expect(() => allotAddresses(hosts, {}, none, range)).toThrow(expect.objectContaining({ code: 'MP606' }));
  });
});
