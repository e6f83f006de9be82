import { resolve } from 'node:path';
import type { Command } from 'commander';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import type { RunRequest } from '../../run/request.ts';
import { createProgress } from '../../progress/progress.ts';
import { formatBench, compareSeries, seriesOf } from '../../report/bench.ts';
import type { RunData } from '../../report/run-data.ts';
import { loadConfig } from '../../config/config.ts';
import { idsOf } from '../options.ts';
import { untilSignal } from '../signals.ts';
import { tell } from '../tell.ts';

interface BenchFlags {
  readonly runs?: string;
  readonly only?: string;
  readonly against?: string;
  readonly reuse?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function addBench(program: Command): void {
  program
    .command('bench')
    .description(
      'play a run several times, and print the min, median and max of each phase and scenario; or print the ' +
        'times of existing runs',
    )
    .argument('[runs...]', 'folders of existing runs, without --runs (default: the latest)')
    .option('--runs <n>', 'play this many runs')
    .option('--only <ids>', 'play only these scenarios: IDs, patterns with *, or suites, separated by commas')
    .option(
      '--against <config>',
      'alternate with runs of a second configuration, and show which times differ beyond noise',
    )
    .option('--reuse', 'use the kept environment for each run')
    .option('--yes', 'on your own clusters: do not ask before the first write')
    .option('--json', 'write the times as one line of JSON to stdout')
    .action(async (folders: readonly string[], flags: BenchFlags, command: Command) => {
      const { config: file } = command.optsWithGlobals<{ config?: string }>();
      const [base, head] =
        flags.runs === undefined ? [await recorded(folders, flags, file)] : await played(folders, flags, file);
      const [first, second] = [seriesOf(base ?? []), head === undefined ? undefined : seriesOf(head)];
      if (flags.json !== true) {
        tell(formatBench(first, second));
        return;
      }
      const compared = second === undefined ? {} : { head: second, differences: compareSeries(first, second) };
      tell(`${JSON.stringify({ ...first, ...compared })}\n`);
    });
}

/** The runs of the folders that are named. */
async function recorded(
  folders: readonly string[],
  { against }: BenchFlags,
  file: string | undefined,
): Promise<RunData[]> {
  if (against !== undefined)
    throw new MeshproofError('MP103', { what: '--against plays runs', remedy: 'Say how many with --runs.' });
  const { latestRun, openRun } = await import('../../run/record/open-run.ts');
  const { reports } = await loadConfig(file);
  const named = folders.length > 0 ? folders : [await latestRun(reports)];
  return (await Promise.all(named.map((folder) => openRun(folder)))).map(({ data }) => data);
}

/** Runs that are played now. */
async function played(folders: readonly string[], flags: BenchFlags, file: string | undefined): Promise<RunData[][]> {
  const runs = Number(flags.runs);
  if (!Number.isSafeInteger(runs) || runs < 1 || runs > 1_000)
    throw new MeshproofError('MP103', { what: '--runs must be a number from 1 to 1000', seen: flags.runs ?? '' });
  if (folders.length > 0)
    throw new MeshproofError('MP103', { what: '--runs plays runs of its own', seen: folders.join(', ') });
  // A second configuration that cannot be read must not show after the first run.
  const base = await loadConfig(file);
  const head = flags.against === undefined ? undefined : await loadConfig(resolve(flags.against));
  const only = await idsOf(flags.only, base.scenarios);
  const [{ playSeries }, { askFirst }] = await Promise.all([
    import('../../compare/bench.ts'),
    import('../../environment/consent.ts'),
  ]);
  const request = { only, reuse: flags.reuse === true };
  const ofBase: RunRequest = { ...request, config: base };
  return await playSeries(
    { requests: head === undefined ? [ofBase] : [ofBase, { ...request, config: head }], runs },
    { progress: createProgress(), signal: untilSignal(), agree: askFirst(flags.yes === true) },
  );
}
