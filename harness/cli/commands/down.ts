import type { Command } from 'commander';
import { labIsPossible } from '../../lab/lab.ts';
import { loadConfig } from '../../run/config.ts';
import { lockEnvironment } from '../../run/state.ts';

export function addDown(program: Command): void {
  program
    .command('down')
    .description(
      'remove every cluster, process, network namespace and network that a run left; a second one finds nothing',
    )
    .option('--all', 'also remove the private Docker daemon’s images and data')
    .option('--json', 'one line of JSON on stdout')
    .action(async (flags: { readonly all?: boolean; readonly json?: boolean }, command: Command) => {
      const { removeEnvironment, removeLab } = await import('../../run/tear-down.ts');
      const { config: file } = command.optsWithGlobals<{ config?: string }>();
      const { name } = await loadConfig(file);
      const unlock = await lockEnvironment(name);
      try {
        const clusters = await removeEnvironment(name);
        const lab = labIsPossible() ? await removeLab(flags.all === true) : [];
        const removed = [...clusters, ...lab];
        const lines = removed.length === 0 ? ['nothing to remove'] : removed.map((one) => `removed ${one}`);
        process.stdout.write(flags.json === true ? `${JSON.stringify({ removed })}\n` : `${lines.join('\n')}\n`);
      } finally {
        await unlock();
      }
    });
}
