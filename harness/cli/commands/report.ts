import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../../run/config.ts';
import { complain, tell } from '../tell.ts';

interface ReportFlags {
  readonly archive?: string | true;
}

export function addReport(program: Command): void {
  program
    .command('report')
    .description(
      'write report.html, conformance.yaml, walkthrough.md and Allure’s page of a run again from its record, also of one that was killed',
    )
    .argument('[run]', 'folder of the run (default: the latest)')
    .option('--archive [file]', 'pack the run into one file that can be handed on, and tell its SHA-256 digest')
    .action(async (folder: string | undefined, flags: ReportFlags, command: Command) => {
      const { latestRun, openRun } = await import('../../run/open-run.ts');
      const { writeReports } = await import('../../run/reports.ts');
      const { generateAllureReport } = await import('../../report/allure.ts');
      const { reports } = await loadConfig(command.optsWithGlobals<{ config?: string }>().config);
      const record = await openRun(folder ?? (await latestRun(reports)));
      await writeReports(record.folder, record.data);
      // Allure's results are vitest's to write, at its end: a run that was killed has none.
      if (existsSync(join(record.folder, 'allure-results'))) await generateAllureReport(record.folder);
      else complain('Allure has no results of this run, so it gets no page of it\n');
      tell(`${join(record.folder, 'report.html')}\n`);
      if (flags.archive === undefined) return;
      const { archiveRun } = await import('../../report/archive.ts');
      const target = flags.archive === true ? `meshproof-${basename(record.folder)}.tar.gz` : flags.archive;
      const { file, digest, files } = await archiveRun(record.folder, record.data.run, target);
      tell(`${file}: ${files} files\nsha256:${digest}\n`);
    });
}
