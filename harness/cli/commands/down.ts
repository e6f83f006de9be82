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
      'remove every cluster, process, network namespace and network that a run left; a second call finds nothing',
    )
    .option('--all', 'also remove the images and data of the private Docker daemon')
    .option('--forget', 'on your own clusters: leave clusters that no longer answer as they are')
    .option('--json', 'write one line of JSON to stdout')
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
