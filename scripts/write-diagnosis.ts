/**
 * Maintainers' script: writes docs/diagnosis.md from what became of faults; those that were not put in again keep their
 * row.
 *
 * `npm run docs:diagnosis [reports folder…]`, by default `reports`
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argv, echo } from 'zx';
import { z } from 'zod';
import { faults } from '../harness/fault/catalogue.ts';
import { diagnosisPage, outcomesOf } from '../harness/fault/diagnosis-page.ts';
import { faultOutcomeSchema, type FaultOutcome } from '../harness/fault/judge.ts';
import { outcomesFile } from '../harness/fault/run-faults.ts';

const page = new URL('../docs/diagnosis.md', import.meta.url);
const newest: Map<string, FaultOutcome> = outcomesOf(await readFile(page, 'utf8'));
for (const reports of argv._.length > 0 ? argv._ : ['reports']) {
  // Names hold the time, so that they sort by it.
  for (const name of (await readdir(reports)).filter((one) => one.startsWith('faults-')).sort()) {
    const file = join(reports, name, outcomesFile);
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      // A run that was stopped before its first fault ended left none.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '[]';
      throw error;
    });
    for (const outcome of z.array(faultOutcomeSchema).parse(JSON.parse(text))) newest.set(outcome.id, outcome);
  }
}
await writeFile(page, diagnosisPage(faults, newest));
echo(`${page.pathname}: ${newest.size} of ${faults.length} faults`);
