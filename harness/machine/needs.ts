import { readFile } from 'node:fs/promises';
import { describe } from 'vitest';
import { labIsPossible } from '../lab/lab.ts';
import { findProgram } from '../process/find-program.ts';
import { Docker } from '../toolchain/docker.ts';

/**
 * What some tests need of the machine beyond Node. Each says in a few words why this machine does not give it;
 * undefined where it does. A machine without it is no failure of meshproof's: most laptops are no Debian, and nobody
 * runs tests as root there.
 */
const machineHas = {
  Go: async () => ((await findProgram('go')) === undefined ? 'go is not on the PATH' : undefined),
  browser: async () => {
    for (const name of ['chromium', 'google-chrome', 'chromium-browser'])
      if ((await findProgram(name)) !== undefined) return undefined;
    return (await isDebian()) ? undefined : 'no Chromium on the PATH, and only Debian has one that can be unpacked';
  },
  engine: async () => {
    if (await new Docker('docker').answers()) return undefined;
    if (labIsPossible() && (await isDebian())) return undefined;
    return 'no Docker answers, and a private daemon needs root on Debian';
  },
} as const satisfies Readonly<Record<string, () => Promise<string | undefined>>>;

/**
 * One of them, or a look that a test file takes itself: it gives the reason why its tests cannot be run, undefined
 * where they can.
 */
export type Need = keyof typeof machineHas | (() => Promise<string | undefined>);

/** Stands in the title of what is not run, so that every reporter shows it. */
export const notRunMark = 'not run on this machine: ';

/**
 * The `describe` of tests that need something of the machine. Where that is not there they are reported as not run,
 * with the reason in their title, and none of their hooks runs. On a machine that has everything they may not be left
 * out; see `not-run-reporter.ts`.
 */
export async function describeWith(...needs: readonly Need[]): Promise<(title: string, body: () => void) => void> {
  const looks = needs.map((need) => (typeof need === 'function' ? need() : machineHas[need]()));
  const reasons = (await Promise.all(looks)).filter((reason) => reason !== undefined);
  if (reasons.length === 0) return (title, body) => describe(title, body);
  return (title, body) => describe.skip(`${title} (${notRunMark}${reasons.join('; ')})`, body);
}

/**
 * Whether every test must run: where MESHPROOF_TESTS is `all`, and in CI on a machine that can have everything (root on
 * Debian), so that a look at the machine that goes wrong cannot make a test vanish there.
 */
export async function everythingMustRun(): Promise<boolean> {
  const { CI, MESHPROOF_TESTS } = process.env;
  if (MESHPROOF_TESTS === 'all') return true;
  return CI !== undefined && CI !== '' && CI !== 'false' && labIsPossible() && (await isDebian());
}

async function isDebian(): Promise<boolean> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID=debian$/m.test(text) && (await findProgram('apt-get')) !== undefined;
}
