import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../../run/config.ts';

export function addReport(program: Command): void {
  program
    .command('report')
    .description(
      'write report.html, conformance.yaml, walkthrough.md and Allure’s page of a run again from its record, also of one that was killed',
    )
    .argument('[run]', 'folder of the run (default: the latest)')
    .action(async (folder: string | undefined, _flags: object, command: Command) => {
      const { latestRun, openRun } = await import('../../run/open-run.ts');
      const { writeReports } = await import('../../run/reports.ts');
      const { generateAllureReport } = await import('../../report/allure.ts');
      const { reports } = await loadConfig(command.optsWithGlobals<{ config?: string }>().config);
      const record = await openRun(folder ?? (await latestRun(reports)));
      await writeReports(record.folder, record.data);
      // Allure's results are vitest's to write, at its end: a run that was killed has none.
      if (existsSync(join(record.folder, 'allure-results'))) await generateAllureReport(record.folder);
      else process.stderr.write('Allure has no results of this run, so it gets no page of it\n');
      process.stdout.write(`${join(record.folder, 'report.html')}\n`);
    });
}
