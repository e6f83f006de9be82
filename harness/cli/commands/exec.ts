import type { Command } from 'commander';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { loadConfig } from '../../run/config.ts';
import { runInside } from '../../run/inside-lab.ts';
import { readEnvironment } from '../../run/state.ts';

export function addExec(program: Command): void {
  program
    .command('exec')
    .description(
      'run a program where the kept environment lives (the lab’s network namespace), e.g. exec -- kubectl … or exec -- npx vitest',
    )
    .argument('<program>')
    .argument('[args...]')
    .passThroughOptions()
    .action(async (wanted: string, args: string[], _flags: object, command: Command) => {
      const { config: file } = command.optsWithGlobals<{ config?: string }>();
      const { name } = await loadConfig(file);
      const environment = await readEnvironment(name);
      if (environment === undefined) throw new MeshproofError('MP105', { what: `no environment ${name} is kept` });
      const known: Readonly<Record<string, string>> = environment.programs;
      process.exitCode = await runInside(environment, [known[wanted] ?? wanted, ...args]);
    });
}
