import { delimiter } from 'node:path';
import type { Command } from 'commander';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { findProgram } from '../../process/find-program.ts';
import { agreedVariable } from '../../environment/agreed-variable.ts';
import { layOutTools } from '../../environment/environment-tools.ts';
import { runInside } from '../../environment/inside-lab.ts';
import { keptEnvironment } from '../kept.ts';

export function addExec(program: Command): void {
  program
    .command('exec')
    .description(
      'run a program where the kept environment lives, with its kubectl, istioctl, kind and docker on the ' +
        'PATH and a kubeconfig whose contexts have the names of the clusters: exec -- kubectl --context west get ' +
        'pods -A, exec -- bash, exec -- npx vitest',
    )
    .argument('<program>')
    .argument('[args...]')
    .option('--yes', 'on your own clusters: scenarios that the program plays do not ask before the first write')
    .passThroughOptions()
    .action(async (wanted: string, args: string[], flags: { readonly yes?: boolean }, command: Command) => {
      const environment = await keptEnvironment(command);
      const env = await layOutTools(environment);
      const found = await findProgram(wanted, env['PATH']);
      if (found === undefined)
        throw new MeshproofError('MP107', {
          what: `${wanted} was not found`,
          expected: wanted.includes('/')
            ? 'a file that may be executed'
            : 'a program of the environment, or of the PATH',
          seen: wanted.includes('/') ? undefined : env['PATH']?.split(delimiter).join('\n'),
        });
      const owner = environment.clusters.find(({ foreign }) => foreign === true)?.owner;
      const agreed = flags.yes === true && owner !== undefined ? { [agreedVariable]: owner } : {};
      process.exitCode = await runInside(environment, [found, ...args], { ...env, ...agreed });
    });
}
