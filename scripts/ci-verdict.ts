/**
 * Counts what CI found: unit tests from vitest's JSON report, claims from the conformance run's last line. A command that failed without
 * a result of its own counts as one failure, so that nothing can be green by being absent.
 *
 * Usage: ci-verdict.ts <exit code of npm test> <exit code of the conformance job>
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const unitSchema = z.object({ numPassedTests: z.number(), numFailedTests: z.number() });
const runSchema = z.object({ claims: z.object({ passed: z.number(), failed: z.number(), error: z.number() }) });
const [testsExit = 1, conformanceExit = 1] = process.argv.slice(2).map(Number);

const unit = unitSchema.safeParse(await readJson('reports/unit-tests.json'));
const run = runSchema.safeParse(await readJson('reports/conformance.json'));
const counted = [
  { exit: testsExit, passed: unit.data?.numPassedTests ?? 0, failed: unit.data?.numFailedTests ?? 0 },
  {
    exit: conformanceExit,
    passed: run.data?.claims.passed ?? 0,
    failed: (run.data?.claims.failed ?? 0) + (run.data?.claims.error ?? 0),
  },
].map(({ exit, passed, failed }) => ({ passed, failed: failed === 0 && (exit !== 0 || passed === 0) ? 1 : failed }));

const sum = (key: 'passed' | 'failed'): number => counted.reduce((total, one) => total + one[key], 0);
process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed\n`);
process.exitCode = sum('failed') === 0 ? 0 : 1;

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const last = file.endsWith('conformance.json') ? (text.trim().split('\n').at(-1) ?? '') : text;
  try {
    return JSON.parse(last);
  } catch {
    // Nothing readable: the exit code decides.
    return undefined;
  }
}
