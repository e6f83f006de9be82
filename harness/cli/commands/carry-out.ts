import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { createProgress } from '../../progress/progress.ts';
import type { Plan } from '../../run/plan.ts';
import { leavesEnvironment } from '../../run/request.ts';
import { RunRecord } from '../../run/record/run-record.ts';
import type { LastWords } from '../../run/carry-out-process.ts';
import { untilSignal } from '../signals.ts';

/**
 * Hidden: the half of a run that lives inside of the lab's network namespace. `run` calls it with the plan it prepared.
 */
export function addCarryOut(program: Command): void {
  program
    .command('carry-out', { hidden: true })
    .argument('<plan>')
    .action(async (file: string) => {
      const [{ carryOut }, { joinLabFor, leaveLabOf }] = await Promise.all([
        import('../../run/carry-out.ts'),
        import('../../environment/remove-environment.ts'),
      ]);
      const plan = JSON.parse(await readFile(file, 'utf8')) as Plan;
      const signal = untilSignal();
      const { name } = plan.request.config;
      // Should the process that prepared the plan be killed, this one still holds the lab, and is the last to leave it.
      if (plan.lab !== undefined) await joinLabFor(name);
      const record = await RunRecord.open(plan.runFolder);
      try {
        await carryOut(plan, { record, progress: createProgress(), signal });
      } finally {
        const { verdict, error } = record.data;
        process.send?.({ verdict, error } satisfies LastWords);
        if (plan.lab !== undefined) await leaveLabOf(name, { keep: leavesEnvironment(plan.request) });
      }
      // The channel to the parent must not keep this process alive.
      process.channel?.unref();
    });
}
