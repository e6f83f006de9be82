import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { execa } from 'execa';
import { z } from 'zod';

/** One process for all time: a pid alone is given to another one sooner or later. */
export const processIdentitySchema = z.object({
  pid: z.number().int().positive(),
  /** When it started, as the kernel counts; only good for comparing. */
  started: z.string(),
  /** Where that pid means something: the machine since its last boot, and the pid namespace. */
  place: z.string(),
});

export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

let own: Promise<ProcessIdentity> | undefined;

/** The identity of this process. */
export async function thisProcess(): Promise<ProcessIdentity> {
  own ??= (async () => ({
    pid: process.pid,
    started: (await startOf(process.pid)) ?? '',
    place: await thisPlace(),
  }))();
  return await own;
}

/** When a process started; undefined when there is none of that pid, or only its remains (a zombie). */
export async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    // The name in parentheses may hold anything; the fields behind it are the state, … and, as the 20th of them, the
    // start.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  }
  const { stdout, exitCode } = await execa('ps', ['-o', 'lstart=', '-p', String(pid)], { reject: false });
  return exitCode === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}

/**
 * True while that very process lives; undefined when it ran on another machine, or in another pid namespace, which
 * cannot be seen from here.
 */
export async function isAlive(identity: ProcessIdentity): Promise<boolean | undefined> {
  if (identity.place !== (await thisPlace())) return undefined;
  return (await startOf(identity.pid)) === identity.started;
}

let where: Promise<string> | undefined;

function thisPlace(): Promise<string> {
  where ??= (async () => {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
    const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
    return [hostname(), boot.trim(), namespace].filter((part) => part !== '').join(' ');
  })();
  return where;
}
