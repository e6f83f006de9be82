import type { Command } from 'commander';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { createProgress } from '../../progress/progress.ts';
import { readyEnvironment, standsWhere } from '../kept.ts';
import { untilSignal } from '../signals.ts';
import { tell } from '../tell.ts';

interface GrowthFlags {
  readonly services: string;
  readonly changes: string;
  readonly json?: boolean;
}

export function addGrowth(program: Command): void {
  program
    .command('growth')
    .description(
      'add more and more remote services to the kept environment, measure at each size what one more change takes, ' +
        'and remove them again',
    )
    .option('--services <counts>', 'how many remote services, one size after the other', '10,100,1000')
    .option('--changes <n>', 'how many changes to measure at each size', '20')
    .option('--json', 'write the figures as one line of JSON to stdout')
    .action(async (flags: GrowthFlags, command: Command) => {
      const services = sizesOf(flags.services);
      const changes = Number(flags.changes);
      if (!Number.isSafeInteger(changes) || changes < 1 || changes > 1_000)
        throw new MeshproofError('MP103', { what: '--changes must be a number from 1 to 1000', seen: flags.changes });
      const environment = await readyEnvironment(
        command,
        'Growth is measured in a kept environment: run `meshproof up` first, with `--clusters` for more.',
      );
      if (!(await standsWhere(environment))) return;
      const [{ measureGrowth }, { formatGrowth }, { lockEnvironment }] = await Promise.all([
        import('../../compare/measure-growth.ts'),
        import('../../report/growth.ts'),
        import('../../environment/state.ts'),
      ]);
      const [progress, signal] = [createProgress(), untilSignal()];
      const unlock = await lockEnvironment(environment.name);
      try {
        const figures = await measureGrowth(environment, { services, changes, progress, signal });
        tell(flags.json === true ? `${JSON.stringify(figures)}\n` : formatGrowth(figures));
      } finally {
        await unlock();
      }
    });
}

/** Of more entries than that the API servers of a test machine have no use. */
const mostServices = 10_000;

/** @throws MeshproofError MP103 for what are no growing numbers. */
function sizesOf(text: string): number[] {
  const sizes = text.split(',').map((size) => (/^\d{1,5}$/.test(size.trim()) ? Number(size) : NaN));
  const grow = sizes.every((size, index) => size >= 1 && size <= mostServices && size > (sizes[index - 1] ?? 0));
  if (grow) return sizes;
  throw new MeshproofError('MP103', {
    what: '--services is how many remote services each cluster gets, one size after the other',
    expected: `growing numbers from 1 to ${mostServices}, separated by commas`,
    seen: text,
  });
}
