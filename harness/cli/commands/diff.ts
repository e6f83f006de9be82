import { Option, type Command } from 'commander';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { addToJobSummary } from '../job-summary.ts';
import { formatDiff, type RunDiff } from '../../report/diff/run-diff.ts';
import { countClaims, type RunData } from '../../report/run-data.ts';
import { tell } from '../tell.ts';

/** What makes a comparison fail. */
const gates = ['verdicts', 'timings', 'config'] as const;
type Gate = (typeof gates)[number];

export const failOnOption = (): Option =>
  new Option('--fail-on <what>', `differences that set exit code 1, separated by commas: ${gates.join(', ')}`).default(
    'verdicts',
  );

export function addDiff(program: Command): void {
  program
    .command('diff')
    .description('compare two runs: verdicts, times, and the meaning of every proxy’s configuration')
    .argument('<base>', 'folder of the earlier run')
    .argument('<head>', 'folder of the later run')
    .addOption(failOnOption())
    .option('--json', 'write JSON to stdout')
    .action(async (base: string, head: string, flags: { readonly failOn: string; readonly json?: boolean }) => {
      const { diffRuns } = await import('../../compare/diff-runs.ts');
      const chosen = gatesOf(flags.failOn);
      await tellDiff(await diffRuns(base, head), chosen, flags.json === true);
    });
}

/** @throws MeshproofError MP103 for something that cannot fail. */
export function gatesOf(text: string): Gate[] {
  return text.split(',').map((word) => {
    const gate = gates.find((one) => one === word.trim());
    if (gate === undefined)
      throw new MeshproofError('MP103', {
        what: `--fail-on does not know “${word}”`,
        expected: gates.join(', '),
        seen: word,
      });
    return gate;
  });
}

/**
 * Prints a comparison, also into the job summary, and sets the exit code by the gates that were asked for.
 *
 * @param head how the second run went by itself, where it was run for the comparison: beside the comparison in the JSON
 */
export async function tellDiff(diff: RunDiff, chosen: readonly Gate[], json: boolean, head?: RunData): Promise<void> {
  const told = formatDiff(diff);
  const failed: Readonly<Record<Gate, boolean>> = {
    verdicts: diff.regressions.length > 0,
    timings: diff.timings.some(({ base, head }) => head > base),
    config: diff.config.length > 0,
  };
  const verdict = chosen.some((gate) => failed[gate]) ? 'failed' : 'passed';
  const own =
    head === undefined
      ? {}
      : { verdict: verdict === 'passed' && head.verdict === 'error' ? 'error' : verdict, claims: countClaims(head) };
  tell(json ? `${JSON.stringify({ ...diff, ...own })}\n` : told);
  await addToJobSummary(told);
  process.exitCode = verdict === 'failed' ? 1 : 0;
}
