import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { execa } from 'execa';
import { MeshproofError } from '../errors/meshproof-error.ts';

/** What a terminal sends, at a key, to every process of its foreground group. */
const byKey: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];
const passedOn: readonly NodeJS.Signals[] = [...byKey, 'SIGTERM', 'SIGHUP'];

/**
 * Runs a program in this process's place: its streams are ours, and each signal that reaches us reaches it once. Ctrl-C
 * at a terminal is sent to the program by the terminal itself; without a terminal the program stands in a session of
 * its own, so that a signal to our whole process group does not reach it twice.
 *
 * @param env variables beside this process's own
 * @returns its exit code; 128 and the signal's number when a signal ended it, as shells count
 * @throws MeshproofError MP107 when it cannot be started.
 */
export async function runAttached(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const terminal = hasTerminal();
  let tell: ((signal: NodeJS.Signals) => void) | undefined;
  const passOn = (signal: NodeJS.Signals): void => {
    if (terminal && byKey.includes(signal) && standsInForeground()) return;
    tell?.(signal);
  };
  // Before the program is there: it may be sent its first signal as soon as it runs. None is delivered until this
  // function waits.
  for (const signal of passedOn) process.on(signal, passOn);
  try {
    const child = execa(program, args, {
      stdio: 'inherit',
      reject: false,
      env,
      detached: !terminal,
      // The program decides itself when it ends; this process waits for it.
      cleanup: false,
    });
    tell = (signal) => {
      child.kill(signal);
    };
    const { exitCode, signal, cause } = await child;
    if (exitCode !== undefined) return exitCode;
    if (signal !== undefined) return 128 + constants.signals[signal];
    throw new MeshproofError('MP107', {
      what: `${program} cannot be started`,
      seen: cause instanceof Error ? cause.message : undefined,
      cause,
    });
  } finally {
    for (const signal of passedOn) process.off(signal, passOn);
  }
}

/** True when this process has a controlling terminal, whatever its streams are. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    // ENXIO: there is none; a machine without the device has none either.
    return false;
  }
}

/**
 * True when the terminal's keys reach this process's group. An interactive shell that we run takes the foreground for
 * itself: what reaches us then was sent to us alone.
 */
function standsInForeground(): boolean {
  try {
    // proc(5): after the name in brackets come state, ppid, pgrp, session, tty_nr and tpgid.
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[2] === fields[5];
  } catch {
    // No /proc on this platform. A key is by far the most likely reason.
    return true;
  }
}
