import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { summary as summaryOf } from '../../report/summary.ts';
import { loadConfig } from '../../config/config.ts';
import { addToJobSummary } from '../job-summary.ts';
import { exitCodeOfRun, runSummary } from '../run-result.ts';
import { complain, tell } from '../tell.ts';

interface ReportFlags {
  readonly archive?: string | true;
  readonly merge?: readonly string[];
  readonly json?: boolean;
}

export function addReport(program: Command): void {
  program
    .command('report')
    .description(
      'rewrite report.html, conformance.yaml, walkthrough.md and the Allure page of a run from its record, even ' +
        'if the run was killed',
    )
    .argument('[run]', 'folder of the run (default: the latest)')
    .option(
      '--merge <runs...>',
      'merge the parts of a sharded run (`run --shard`) into one run: one verdict, one report, all evidence',
    )
    .option('--json', 'with --merge: end with one line of JSON on stdout, as `run --json` does')
    .option('--archive [file]', 'pack the run into one file that you can share, and print its SHA-256 digest')
    .action(async (folder: string | undefined, flags: ReportFlags, command: Command) => {
      const { latestRun, openRun } = await import('../../run/record/open-run.ts');
      const { writeReports } = await import('../../run/record/reports.ts');
      const { generateAllureReport } = await import('../../report/allure.ts');
      const { reports } = await loadConfig(command.optsWithGlobals<{ config?: string }>().config);
      if (flags.merge !== undefined && folder !== undefined)
        throw new MeshproofError('MP103', {
          what: '--merge names the runs itself',
          seen: folder,
          remedy: 'Put all folders behind --merge.',
        });
      const { mergeRuns } = await import('../../compare/merge-runs.ts');
      const record =
        flags.merge === undefined
          ? await openRun(folder ?? (await latestRun(reports)))
          : await mergeRuns(flags.merge, reports);
      await writeReports(record.folder, record.data);
      // Allure's results are vitest's to write, at its end: a run that was killed has none.
      if (existsSync(join(record.folder, 'allure-results'))) await generateAllureReport(record.folder);
      else complain('Allure has no results of this run, so it gets no page of it\n');
      if (flags.merge !== undefined) {
        await addToJobSummary(`## meshproof: ${record.data.verdict}\n\n${summaryOf(record.data)}\n`);
        process.exitCode = exitCodeOfRun(record.data);
      }
      tell(flags.json === true ? `${JSON.stringify(runSummary(record))}\n` : `${join(record.folder, 'report.html')}\n`);
      if (flags.archive === undefined) return;
      const { archiveRun } = await import('../../report/archive.ts');
      const target = flags.archive === true ? `meshproof-${basename(record.folder)}.tar.gz` : flags.archive;
      const { file, digest, files } = await archiveRun(record.folder, record.data.run, target);
      tell(`${file}: ${files} files\nsha256:${digest}\n`);
    });
}
