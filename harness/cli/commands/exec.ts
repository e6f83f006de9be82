import type { Command } from 'commander';
import { execa } from 'execa';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { loadConfig } from '../../run/config.ts';
import { environmentPath, readEnvironment } from '../../run/state.ts';

export function addExec(program: Command): void {
  program
    .command('exec')
    .description('run a program where the kept environment lives (the lab’s network namespace), e.g. exec -- kubectl … or exec -- npx vitest')
    .argument('<program>')
    .argument('[args...]')
    .passThroughOptions()
    .action(async (wanted: string, args: string[], _flags: object, command: Command) => {
      const { config: file } = command.optsWithGlobals<{ config?: string }>();
      const { name } = await loadConfig(file);
      const environment = await readEnvironment(name);
      if (environment === undefined) throw new MeshproofError('MP105', { what: `no environment ${name} is kept` });
      const { networkNamespace, dockerHost, programs } = environment;
      const known: Readonly<Record<string, string>> = programs;
      const call = [known[wanted] ?? wanted, ...args];
      const inside = networkNamespace === undefined ? call : ['nsenter', `--net=${networkNamespace}`, ...call];
      const { exitCode } = await execa(inside[0] ?? '', inside.slice(1), {
        stdio: 'inherit',
        reject: false,
        env: { MESHPROOF_ENVIRONMENT: environmentPath(name), ...(dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost }) },
      });
      process.exitCode = exitCode ?? 3;
    });
}
