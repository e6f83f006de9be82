import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { programPlatform } from './program-platform.ts';
import { platformOf } from './published.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

test('Node itself is a program for this machine', async () => {
  expect(await programPlatform(process.execPath)).toBe(platformOf());
});

const elf = (machine: number): Buffer => {
  const head = Buffer.alloc(64);
  head.write('\x7fELF', 0, 'latin1');
  head[4] = 2;
  head[5] = 1;
  head.writeUInt16LE(machine, 18);
  return head;
};
const machO = (cpu: number): Buffer => {
  const head = Buffer.alloc(64);
  head.writeUInt32LE(0xfeedfacf, 0);
  head.writeUInt32LE(cpu, 4);
  return head;
};
test.each([
  ['linux/amd64', elf(62)],
  ['linux/arm64', elf(183)],
  ['linux/machine 21', elf(21)],
  ['darwin/amd64', machO(0x01000007)],
  ['darwin/arm64', machO(0x0100000c)],
  ['windows/?', Buffer.from(`MZ${' '.repeat(60)}`)],
  [undefined, Buffer.from('#!/bin/sh\necho a script\n')],
  [undefined, Buffer.from('MZ')],
  [undefined, Buffer.alloc(0)],
])('%s is read from the header', async (platform, content) => {
  const file = join(folder, 'program');
  await writeFile(file, content);
  expect(await programPlatform(file)).toBe(platform);
});
