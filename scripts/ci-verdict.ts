/**
 * Counts what CI found: unit and slow tests from vitest's JSON reports, claims from the last line of the conformance
 * run and of the connected one, faults from the last line of theirs. A command that failed without a result of its own
 * counts as one failure, so that nothing can be green by being absent.
 *
 * Usage: ci-verdict.ts <exit code of npm test> <… of npm run test:slow> <… of the conformance job> <… of the faults>
 * [<… of the connected one, where it was played>]
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
const faultsSchema = z.object({
  cause: z.number(),
  missed: z.array(z.string()),
  misdiagnosed: z.array(z.string()),
  leftRed: z.array(z.string()),
});

/** What one command found, by its own result. */
interface Found {
  readonly exit: number;
  readonly passed: number;
  readonly failed: number;
}

async function testsOf(file: string, exit: number): Promise<Found> {
  const unit = unitSchema.safeParse(await readJson(file)).data;
  return { exit, passed: unit?.numPassedTests ?? 0, failed: unit?.numFailedTests ?? 0 };
}

async function claimsOf(file: string, exit: number): Promise<Found> {
  const claims = runSchema.safeParse(await readJson(file)).data?.claims;
  const failed = (claims?.failed ?? 0) + (claims?.error ?? 0) + (claims?.notReached ?? 0);
  return { exit, passed: claims?.passed ?? 0, failed };
}

async function faultsOf(exit: number): Promise<Found> {
  const found = faultsSchema.safeParse(await readJson('reports/faults.json')).data;
  const wrong = new Set([...(found?.missed ?? []), ...(found?.misdiagnosed ?? []), ...(found?.leftRed ?? [])]);
  return { exit, passed: found?.cause ?? 0, failed: wrong.size };
}

const [tests = 1, slow = 1, conformance = 1, faults = 1, connected] = process.argv.slice(2).map(Number);
const found = await Promise.all([
  testsOf('reports/unit-tests.json', tests),
  testsOf('reports/slow-tests.json', slow),
  claimsOf('reports/conformance.json', conformance),
  faultsOf(faults),
  ...(connected === undefined ? [] : [claimsOf('reports/connected.json', connected)]),
]);
const counted = found.map(({ exit, passed, failed }) => ({
  passed,
  failed: failed === 0 && (exit !== 0 || passed === 0) ? 1 : failed,
}));

const sum = (key: 'passed' | 'failed'): number => counted.reduce((total, one) => total + one[key], 0);
process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed\n`);
process.exitCode = sum('failed') === 0 ? 0 : 1;

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const last = file.endsWith('-tests.json') ? text : (text.trim().split('\n').at(-1) ?? '');
  try {
    return JSON.parse(last);
  } catch {
    // Nothing readable: the exit code decides.
    return undefined;
  }
}
