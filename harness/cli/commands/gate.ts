import type { Command } from 'commander';
import { offers } from '../../cluster/providers/registry.ts';
import { exitCodeOf, MeshproofError } from '../../errors/meshproof-error.ts';
import type { GatedBuild } from '../../compare/gate.ts';
import { createProgress } from '../../progress/progress.ts';
import { loadConfig } from '../../config/config.ts';
import { idsOf, kubernetesOption, toolchainOption } from '../options.ts';
import { untilSignal } from '../signals.ts';
import { failOnOption, gatesOf, tellDiff } from './diff.ts';

interface GateFlags {
  readonly base: string;
  readonly head: string;
  readonly only?: string;
  readonly failOn: string;
  readonly toolchain?: string;
  readonly kubernetes?: string;
  readonly json?: boolean;
}

export function addGate(program: Command): void {
  program
    .command('gate')
    .description(
      'run two builds of the mesh one after the other, and compare the runs to see what a mesh change affects',
    )
    .requiredOption(
      '--base <build>',
      'mesh before the change: istio@<release>, istio@<pseudo-version of a commit>, path:<checkout>',
    )
    .requiredOption('--head <build>', 'mesh after the change')
    .option('--only <ids>', 'play only these scenarios: IDs, patterns with *, or suites, separated by commas')
    .addOption(failOnOption())
    .addOption(toolchainOption())
    .addOption(kubernetesOption())
    .option('--json', 'write the comparison as JSON to stdout')
    .action(async (flags: GateFlags, command: Command) => {
      const chosen = gatesOf(flags.failOn);
      const [{ gate }, { parseMesh }] = await Promise.all([
        import('../../compare/gate.ts'),
        import('../../toolchain/mesh-choice.ts'),
      ]);
      // Both are read before the first is run: a mistake in the second must not show after ten minutes.
      for (const mesh of [flags.base, flags.head]) await parseMesh(mesh);
      const { config: file } = command.optsWithGlobals<{ config?: string }>();
      const { provider, scenarios } = await loadConfig(file);
      const only = await idsOf(flags.only, scenarios);
      if (!offers(provider, 'ownsMesh'))
        throw new MeshproofError('MP509', {
          what: 'gate installs two builds of the mesh, one after the other',
          where: file ?? 'meshproof.yaml, provider: existing',
          remedy:
            'Give a config with `provider: kind`; two states of your own mesh compare by `run` before and ' +
            'after, then `diff`.',
        });
      const buildOf = async (mesh: string): Promise<GatedBuild> => {
        const config = await loadConfig(file, { mesh, toolchain: flags.toolchain, kubernetes: flags.kubernetes });
        return { mesh, request: { config, only } };
      };
      const { diff, head } = await gate([await buildOf(flags.base), await buildOf(flags.head)], {
        progress: createProgress(),
        signal: untilSignal(),
      });
      await tellDiff(diff, chosen, flags.json === true, head);
      if (process.exitCode === 0 && head.verdict === 'error') process.exitCode = exitCodeOf({ code: 'MP999' });
    });
}
