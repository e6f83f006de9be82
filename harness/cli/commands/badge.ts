import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { badgeJson, badgeOf, badgeSvg } from '../../report/badge.ts';
import { loadConfig } from '../../config/config.ts';
import { tell } from '../tell.ts';

export function addBadge(program: Command): void {
  program
    .command('badge')
    .description('draw a badge for a run, for example for a release page')
    .argument('[run]', 'folder of the run (default: the latest)')
    .option('--label <text>', 'text on the left side', 'mesh conformance')
    .option('--out <file>', 'output file (default: stdout)')
    .option('--json', 'write the JSON of a shields endpoint badge instead of SVG')
    .action(
      async (
        folder: string | undefined,
        flags: { readonly label: string; readonly out?: string; readonly json?: boolean },
        command: Command,
      ) => {
        const { latestRun, openRun } = await import('../../run/record/open-run.ts');
        const { reports } = await loadConfig(command.optsWithGlobals<{ config?: string }>().config);
        const badge = badgeOf((await openRun(folder ?? (await latestRun(reports)))).data, flags.label);
        const text = flags.json === true ? badgeJson(badge) : badgeSvg(badge);
        if (flags.out === undefined) tell(text);
        else await writeFile(flags.out, text);
      },
    );
}
