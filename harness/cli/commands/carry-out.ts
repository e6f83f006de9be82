import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { createProgress } from '../../progress/progress.ts';
import type { Plan } from '../../run/plan.ts';
import { RunRecord } from '../../run/run-record.ts';
import { untilSignal } from '../signals.ts';

/** Hidden: the half of a run that lives inside of the lab's network namespace. `run` calls it with the plan it prepared. */
export function addCarryOut(program: Command): void {
  program
    .command('carry-out', { hidden: true })
    .argument('<plan>')
    .action(async (file: string) => {
      const { carryOut } = await import('../../run/carry-out.ts');
      const plan = JSON.parse(await readFile(file, 'utf8')) as Plan;
      await carryOut(plan, await RunRecord.open(plan.runFolder), createProgress(), untilSignal());
      // The channel to the parent must not keep this process alive.
      process.channel?.unref();
    });
}
