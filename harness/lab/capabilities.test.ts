import { expect, test } from 'vitest';
import { lackingIn } from './capabilities.ts';

test('names exactly the capabilities whose bits are missing', () => {
  expect(lackingIn('CapBnd:\t000001fffeffffff\n', 40)).toEqual(['CAP_SYS_RESOURCE']);
  expect(lackingIn('CapBnd:\t000001ffffffffff\n', 40)).toEqual([]);
  expect(lackingIn('CapBnd:\t000001fffffffffe\n', 40)).toEqual(['CAP_CHOWN']);
});

test('does not ask for capabilities that the kernel does not know', () => {
  expect(lackingIn('CapBnd:\t0000003fffffffff\n', 37)).toEqual([]);
});
