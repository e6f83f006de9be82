import type { Command } from 'commander';
import { countClaims, formatCounts, verdictOfRun } from '../../report/run-data.ts';
import { summary } from '../../report/summary.ts';
import { loadConfig } from '../../config/config.ts';
import { tell } from '../tell.ts';

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('recompute the verdicts and diagnoses of a run from its evidence, without any cluster')
    .argument('[run]', 'folder of the run, or its archive (default: the latest)')
    .option('--json', 'write JSON to stdout')
    .action(async (folder: string | undefined, flags: { readonly json?: boolean }, command: Command) => {
      const { latestRun } = await import('../../run/record/open-run.ts');
      const { replay } = await import('../../compare/replay.ts');
      const { config: file } = command.optsWithGlobals<{ config?: string }>();
      const { reports, scenarios } = await loadConfig(file);
      const chosen = folder ?? (await latestRun(reports));
      const again = (inside: string): ReturnType<typeof replay> => replay(inside, scenarios);
      const { isArchive, withUnpacked } = await import('../../report/archive.ts');
      const { data, differences, seconds } = isArchive(chosen)
        ? await withUnpacked(chosen, again)
        : await again(chosen);
      const counts = countClaims(data);
      const verdict = verdictOfRun(data);
      const same = differences.length === 0;
      if (flags.json === true)
        tell(`${JSON.stringify({ run: data.run, verdict, claims: counts, same, differences, seconds })}\n`);
      else {
        const outcome = same
          ? 'every verdict, reason and diagnosis is what it was live'
          : `${differences.length} claims come out otherwise than live:`;
        const lines = differences.map(
          ({ scenario, claim, live, replayed }) =>
            `MP714 ${scenario}: ${claim}\n  live      ${indented(live)}\n  replayed  ${indented(replayed)}`,
        );
        tell(
          [
            summary(data).trimEnd(),
            '',
            `${verdict}: ${formatCounts(counts)}; replayed in ${seconds.toFixed(2)} s`,
            outcome,
            ...lines,
            '',
          ].join('\n'),
        );
      }
      process.exitCode = differences.length > 0 ? 1 : { passed: 0, failed: 1, error: 3 }[verdict];
    });
}

const indented = (text: string): string => text.replaceAll('\n', '\n            ');
