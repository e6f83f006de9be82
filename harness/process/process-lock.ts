import { mkdir, readFile, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { isAlive, processIdentitySchema, thisProcess, type ProcessIdentity } from './process-identity.ts';

export interface LockOptions {
  /** What is held, as the message says it: "the environment meshproof". */
  readonly what: string;
  /** How long to wait for a live holder, in milliseconds. */
  readonly within: number;
  readonly signal?: AbortSignal | undefined;
}

/** A holder on another machine, or in another container, shows by this that it lives. */
const heartbeat = 2_000;
/**
 * Unchanged for so long, by the clock of the one that waits, such a holder counts as gone; and so does a file that
 * never got its content.
 */
const silence = 10_000;
/** Taking a dead holder's file away takes no longer than this. */
const stealing = 3_000;

/**
 * Holds a lock between processes: a file that names its holder. A holder is gone when its process is, at once, and
 * never because time passed: a process that was stopped for a minute, or a clock that was set, takes no lock from
 * anybody. (Libraries for this go by the age of a file.)
 *
 * @returns gives the lock back
 * @throws MeshproofError MP204 when a live process holds it for longer than `within`.
 */
export async function holdLock(file: string, { what, within, signal }: LockOptions): Promise<() => Promise<void>> {
  const self = `${JSON.stringify(await thisProcess())}\n`;
  await mkdir(dirname(file), { recursive: true });
  const begun = performance.now();
  let seen: { readonly sign: string; readonly since: number } | undefined;
  for (;;) {
    signal?.throwIfAborted();
    if (await create(file, self)) return holding(file, self);
    const { text, sign } = await look(file);
    if (sign === undefined) continue;
    if (seen?.sign !== sign) seen = { sign, since: performance.now() };
    const holder = holderIn(text);
    const alive = holder === undefined ? undefined : await isAlive(holder);
    if (alive === false || (alive === undefined && performance.now() - seen.since > silence)) {
      await takeAway(file, sign);
      continue;
    }
    if (performance.now() - begun > within)
      throw new MeshproofError('MP204', {
        what: `another meshproof is at work on ${what}`,
        where: file,
        expected: `it ends within ${(within / 1000).toFixed(0)} s`,
        seen: holder === undefined ? 'a holder that does not name itself' : `process ${holder.pid} (${holder.place})`,
      });
    await pause(100, undefined, signal === undefined ? {} : { signal });
  }
}

async function create(file: string, content: string): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    // Made, but there was no room for what it says: nobody holds it then.
    if (hasCode(error, 'ENOSPC')) await rm(file, { force: true });
    throw error;
  }
}

function holding(file: string, self: string): () => Promise<void> {
  const beat = setInterval(() => {
    const now = new Date();
    // A file that cannot be touched is still held; only waiters elsewhere would come to think otherwise.
    utimes(file, now, now).catch(() => undefined);
  }, heartbeat);
  beat.unref();
  return async () => {
    clearInterval(beat);
    if ((await look(file)).text === self) await rm(file, { force: true });
  };
}

/** What the file says, and a sign that changes whenever its holder does something; none when there is no file. */
async function look(file: string): Promise<{ readonly text: string; readonly sign: string | undefined }> {
  try {
    const [text, { mtimeMs, ino }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    return { text, sign: `${ino} ${mtimeMs} ${text}` };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { text: '', sign: undefined };
    throw error;
  }
}

/**
 * Removes a dead holder's file, unless somebody else has done so and holds it by now: those who take away take turns.
 */
async function takeAway(file: string, sign: string): Promise<void> {
  const turn = `${file}.stealing`;
  try {
    await mkdir(turn);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    await untilTurn(turn);
    return;
  }
  try {
    if ((await look(file)).sign === sign) await rm(file, { force: true });
  } finally {
    await rmdir(turn).catch(() => undefined);
  }
}

/** Until whoever takes away is done; one that died within those few instructions is cleared away. */
async function untilTurn(turn: string): Promise<void> {
  const began = await stat(turn).catch(() => undefined);
  for (const since = performance.now(); began !== undefined;) {
    const now = await stat(turn).catch(() => undefined);
    if (now?.ino !== began.ino || now.birthtimeMs !== began.birthtimeMs) return;
    if (performance.now() - since > stealing) {
      await rmdir(turn).catch(() => undefined);
      return;
    }
    await pause(20);
  }
}

function holderIn(text: string): ProcessIdentity | undefined {
  try {
    return processIdentitySchema.safeParse(JSON.parse(text)).data;
  } catch {
    // Not written yet: its holder has just made the file.
    return undefined;
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
