import type { Command } from 'commander';
import { labStatus } from '../../lab/lab.ts';
import { loadConfig } from '../../config/config.ts';
import { readEnvironment, stateFolder } from '../../environment/state.ts';
import { tell } from '../tell.ts';

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('show the kept environment and the private Docker daemon')
    .option('--json', 'write one line of JSON to stdout')
    .action(async (flags: { readonly json?: boolean }, command: Command) => {
      const { config: file } = command.optsWithGlobals<{ config?: string }>();
      const { name } = await loadConfig(file);
      const [environment, lab] = [await readEnvironment(name), await labStatus()];
      if (flags.json === true) {
        tell(`${JSON.stringify({ environment: environment ?? null, lab })}\n`);
        return;
      }
      const lines = [`private Docker daemon: ${lab}`];
      if (environment === undefined) lines.push(`environment ${name}: none`);
      else {
        lines.push(
          `environment ${name}: ${environment.status}, made ${environment.createdAt}, Kubernetes ` +
            `${environment.versions.kubernetes}, Istio ${environment.versions.istio}`,
        );
        for (const cluster of environment.clusters)
          lines.push(
            `  ${cluster.name}: context ${cluster.context}, gateway ${cluster.gateway?.address ?? 'none yet'}`,
          );
        lines.push(`kubeconfigs: ${stateFolder(name)}`);
        if (environment.networkNamespace !== undefined)
          lines.push('reach it with: npx meshproof exec -- kubectl --kubeconfig <file> get pods -A');
      }
      tell(`${lines.join('\n')}\n`);
    });
}
