/**
 * Counts what CI found: unit tests from vitest's JSON report, claims from the last line of the conformance run and of
 * the connected one. A command that failed without a result of its own counts as one failure, so that nothing can be
 * green by being absent.
 *
 * Usage: ci-verdict.ts <exit code of npm test> <… of the conformance job> [<… of the connected one, where it was
 * played>]
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const unitSchema = z.object({ numPassedTests: z.number(), numFailedTests: z.number() });
const runSchema = z.object({
  claims: z.object({
    passed: z.number(),
    failed: z.number(),
    error: z.number(),
    notReached: z.number().default(0),
  }),
});
const [testsExit = 1, ...runExits] = process.argv.slice(2).map(Number);

const unit = unitSchema.safeParse(await readJson('reports/unit-tests.json'));
const runs = await Promise.all(
  ['reports/conformance.json', 'reports/connected.json']
    .slice(0, Math.max(runExits.length, 1))
    .map(async (file, index) => {
      const claims = runSchema.safeParse(await readJson(file)).data?.claims;
      return {
        exit: runExits[index] ?? 1,
        passed: claims?.passed ?? 0,
        failed: (claims?.failed ?? 0) + (claims?.error ?? 0) + (claims?.notReached ?? 0),
      };
    }),
);
const counted = [
  { exit: testsExit, passed: unit.data?.numPassedTests ?? 0, failed: unit.data?.numFailedTests ?? 0 },
  ...runs,
].map(({ exit, passed, failed }) => ({ passed, failed: failed === 0 && (exit !== 0 || passed === 0) ? 1 : failed }));

const sum = (key: 'passed' | 'failed'): number => counted.reduce((total, one) => total + one[key], 0);
process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed\n`);
process.exitCode = sum('failed') === 0 ? 0 : 1;

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const last = file.endsWith('unit-tests.json') ? text : (text.trim().split('\n').at(-1) ?? '');
  try {
    return JSON.parse(last);
  } catch {
    // Nothing readable: the exit code decides.
    return undefined;
  }
}
