import type { Command } from 'commander';
import { labIsPossible, type Left } from '../../lab/lab.ts';
import { loadConfig } from '../../config/config.ts';
import { lockEnvironment } from '../../environment/state.ts';
import { tell } from '../tell.ts';

interface Flags {
  readonly all?: boolean;
  readonly forget?: boolean;
  readonly json?: boolean;
}

export function addDown(program: Command): void {
  program
    .command('down')
    .description(
      'remove every cluster, process, network namespace and network that a run left; a second one finds nothing',
    )
    .option('--all', 'also remove the private Docker daemon’s images and data')
    .option('--forget', 'with clusters of your own: leave those that do not answer any more as they are')
    .option('--json', 'one line of JSON on stdout')
    .action(async (flags: Flags, command: Command) => {
      const { leaveLabOf, removeAbandoned, removeEnvironment } =
        await import('../../environment/remove-environment.ts');
      const { config: file } = command.optsWithGlobals<{ config?: string }>();
      const { name } = await loadConfig(file);
      const unlock = await lockEnvironment(name);
      try {
        const clusters = await removeEnvironment(name, { forget: flags.forget === true });
        const lab: Left = labIsPossible()
          ? await leaveLabOf(name, { wholly: flags.all === true })
          : { removed: [], usedBy: [] };
        const removed = [...clusters, ...(await removeAbandoned()), ...lab.removed];
        const lines = removed.length === 0 ? ['nothing to remove'] : removed.map((one) => `removed ${one}`);
        if (lab.usedBy.length > 0) lines.push(`the private Docker daemon stays: used by ${lab.usedBy.join(', ')}`);
        tell(flags.json === true ? `${JSON.stringify({ removed, labUsedBy: lab.usedBy })}\n` : `${lines.join('\n')}\n`);
      } finally {
        await unlock();
      }
    });
}
