import type { Command } from 'commander';
import { loadConfig } from '../../config/config.ts';
import { tell } from '../tell.ts';

interface WalkthroughFlags {
  readonly coverage?: boolean;
  readonly json?: boolean;
}

export function addWalkthrough(program: Command): void {
  program
    .command('walkthrough')
    .description('write the walkthrough as executed: each command, with what a run did for it and the output')
    .argument('[run]', 'folder of the run (default: the latest)')
    .option(
      '--coverage',
      'list every command of the page with the steps that carry it out; exit code 1 if a command has none',
    )
    .option('--json', 'write JSON to stdout')
    .action(async (folder: string | undefined, flags: WalkthroughFlags, command: Command) => {
      const { latestRun, openRun } = await import('../../run/record/open-run.ts');
      const { readWalkthrough, writeTranscript } = await import('../../run/record/reports.ts');
      if (flags.coverage !== true) {
        const { config: file } = command.optsWithGlobals<{ config?: string }>();
        const { reports } = await loadConfig(file);
        const run = await openRun(folder ?? (await latestRun(reports)));
        const written = await writeTranscript(run.folder, run.data);
        tell(flags.json === true ? `${JSON.stringify({ run: run.data.run, file: written })}\n` : `${written}\n`);
        return;
      }
      const { covered } = await readWalkthrough();
      const missing = covered.filter(({ steps }) => steps.length === 0);
      process.exitCode = missing.length === 0 ? 0 : 1;
      if (flags.json === true) {
        tell(`${JSON.stringify(covered.map(({ command: { id, text }, steps }) => ({ id, command: text, steps })))}\n`);
        return;
      }
      for (const { command: of, steps } of covered) {
        tell(`${of.id}${of.tab === undefined ? '' : ` (${of.tab})`}\n  $ ${of.text.split('\n')[0] ?? ''}\n`);
        if (steps.length === 0) tell('  ✗ no step carries it out\n');
        for (const { by, step, instead } of steps)
          tell(
            `  ${instead === undefined ? '✓' : '↳'} ${by} › ` +
              `${step}\n${instead === undefined ? '' : `      in its place: ${instead}\n`}`,
          );
      }
      const replaced = covered.filter(({ steps }) => steps.some(({ instead }) => instead !== undefined)).length;
      tell(
        `${covered.length} commands, ${covered.length - missing.length} carried out, ${replaced} of them by ` +
          `something in their place, ${missing.length} by nothing\n`,
      );
    });
}
