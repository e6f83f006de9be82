import type { Command } from 'commander';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { createProgress } from '../../progress/progress.ts';
import { loadConfig } from '../../config/config.ts';
import { idsOf } from '../options.ts';
import { untilSignal } from '../signals.ts';
import { tell } from '../tell.ts';

interface SoakFlags {
  readonly runs: string;
  readonly only?: string;
  readonly load?: boolean;
  readonly reuse?: boolean;
  readonly resume?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function addSoak(program: Command): void {
  program
    .command('soak')
    .description('play many runs on an intact mesh, and count the false failures')
    .requiredOption('--runs <n>', 'total number of runs')
    .option('--only <ids>', 'play only these scenarios: IDs, patterns with *, or suites, separated by commas')
    .option('--load', 'keep every core busy during every second run')
    .option('--reuse', 'use the kept environment for each run')
    .option('--resume', 'continue a stopped soak: its runs count (reports/soak.json)')
    .option('--yes', 'on your own clusters: do not ask before the first write')
    .option('--json', 'end with one line of JSON on stdout')
    .action(async (flags: SoakFlags, command: Command) => {
      const runs = Number(flags.runs);
      if (!Number.isSafeInteger(runs) || runs < 1 || runs > 10_000)
        throw new MeshproofError('MP103', { what: '--runs must be a number from 1 to 10000', seen: flags.runs });
      const { config: file } = command.optsWithGlobals<{ config?: string }>();
      const config = await loadConfig(file);
      const only = await idsOf(flags.only, config.scenarios);
      const [{ soak, figuresOf }, { askFirst }] = await Promise.all([
        import('../../compare/soak.ts'),
        import('../../environment/consent.ts'),
      ]);
      const figures = figuresOf(
        await soak(
          {
            request: { config, only, reuse: flags.reuse === true },
            runs,
            load: flags.load === true,
            resume: flags.resume === true,
          },
          { progress: createProgress(), signal: untilSignal(), agree: askFirst(flags.yes === true) },
        ),
      );
      const percent = (figures.excludes * 100).toFixed(1);
      tell(
        flags.json === true
          ? `${JSON.stringify(figures)}\n`
          : [
              `${figures.falseReds} false reds in ${figures.runs} runs (${figures.underLoad} on a busy ` +
                `machine), ${figures.claims} claims, ${figures.seconds} s`,
              `at 95 % this excludes that more than ${percent} % of runs have one`,
              ...figures.red,
              '',
            ].join('\n'),
      );
      process.exitCode = figures.falseReds === 0 ? 0 : 1;
    });
}
