import { readFile } from 'node:fs/promises';

/** Linux capabilities in the order of their bits (linux/capability.h). */
const names = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE ' +
  'NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW ' +
  'IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE ' +
  'SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD ' +
  'LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ ' +
  'PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map((name) => `CAP_${name}`);

/**
 * Capabilities that this process's bounding set lacks. Privileged containers ask for all of them, and runc refuses the
 * container when one cannot be given; the lab's runtime wrapper takes exactly these out.
 */
export async function lackingCapabilities(): Promise<string[]> {
  const status = await readFile('/proc/self/status', 'utf8');
  return lackingIn(status, Number((await readFile('/proc/sys/kernel/cap_last_cap', 'utf8')).trim()));
}

/** The same from the text of /proc/self/status and the kernel's last capability. */
export function lackingIn(status: string, lastCapability: number): string[] {
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  return names.filter((_, bit) => bit <= lastCapability && (bounding & (1n << BigInt(bit))) === 0n);
}
