import { open } from 'node:fs/promises';

/** Processors by the number that an ELF header has for them (e_machine). */
const elfMachines: Readonly<Record<number, string>> = {
  3: '386',
  40: 'arm',
  62: 'amd64',
  183: 'arm64',
  243: 'riscv64',
};
/** Processors by the number that a Mach-O header has for them (cputype). */
const machCpus: Readonly<Record<number, string>> = { 0x01000007: 'amd64', 0x0100000c: 'arm64' };

/**
 * The platform that a program was built for, by the first bytes of its file.
 *
 * @returns e.g. `linux/arm64` or `windows/?`; undefined for what is no program of a known format, such as a script or a
 *   manifest.
 */
export async function programPlatform(file: string): Promise<string | undefined> {
  const head = Buffer.alloc(20);
  const handle = await open(file);
  try {
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    if (bytesRead < head.length) return undefined;
  } finally {
    await handle.close();
  }
  if (head.readUInt32BE(0) === 0x7f454c46) {
    const number = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
    return `linux/${elfMachines[number] ?? `machine ${number}`}`;
  }
  if (head.readUInt32LE(0) === 0xfeedfacf) {
    const number = head.readUInt32LE(4);
    return `darwin/${machCpus[number] ?? `processor ${number}`}`;
  }
  return head.toString('latin1', 0, 2) === 'MZ' ? 'windows/?' : undefined;
}
