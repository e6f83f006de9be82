import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { offers } from '../../cluster/providers/registry.ts';
import { exitCodeOf, MeshproofError } from '../../errors/meshproof-error.ts';
import { createProgress } from '../../progress/progress.ts';
import { diffTold } from '../../report/diff/run-diff.ts';
import { loadConfig, type Config } from '../../config/config.ts';
import type { RunRecord } from '../../run/record/run-record.ts';
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
      'run two builds of the mesh one after the other and compare the runs: what a change to the mesh changes',
    )
    .requiredOption(
      '--base <build>',
      'the mesh before: istio@<release>, istio@<pseudo-version of a commit>, path:<checkout>',
    )
    .requiredOption('--head <build>', 'the mesh after')
    .option('--only <ids>', 'play these scenarios only: ids, patterns with *, or suites, separated by commas')
    .addOption(failOnOption())
    .addOption(toolchainOption())
    .addOption(kubernetesOption())
    .option('--json', 'the comparison as JSON on stdout')
    .action(async (flags: GateFlags, command: Command) => {
      const chosen = gatesOf(flags.failOn);
      const [{ conduct }, { agreeToNothing }, { diffRuns }, { parseMesh }, { checkBeforehand }, { throwErrorOf }] =
        await Promise.all([
          import('../../run/run.ts'),
          import('../../environment/consent.ts'),
          import('../../compare/diff-runs.ts'),
          import('../../toolchain/mesh-choice.ts'),
          import('../../inspect/beforehand.ts'),
          import('../../run/record/run-record.ts'),
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
            'Give a config with `provider: kind`; two states of a mesh of your own compare by `run` before and after, then `diff`.',
        });
      const [progress, signal] = [createProgress(), untilSignal()];
      const configOf = (mesh: string): Promise<Config> =>
        loadConfig(file, { mesh, toolchain: flags.toolchain, kubernetes: flags.kubernetes });
      for (const mesh of [flags.base, flags.head]) await checkBeforehand(await configOf(mesh), signal);
      const run = async (mesh: string): Promise<RunRecord> => {
        const config = await configOf(mesh);
        progress.note(`the mesh ${mesh}`);
        const record = await conduct({
          config,
          only,
          keep: false,
          reuse: false,
          progress,
          signal,
          agree: agreeToNothing,
        });
        throwErrorOf(record, `the run of ${mesh}`);
        if (record.data.verdict === 'running')
          throw new MeshproofError('MP999', { what: `the run of ${mesh} came to no verdict`, where: record.folder });
        return record;
      };
      const base = await run(flags.base);
      const head = await run(flags.head);
      const diff = await diffRuns(base.folder, head.folder);
      await writeFile(join(head.folder, 'diff.md'), diffTold(diff));
      await writeFile(join(head.folder, 'diff.json'), `${JSON.stringify(diff, undefined, 1)}\n`);
      await tellDiff(diff, chosen, flags.json === true, head.data);
      if (process.exitCode === 0 && head.data.verdict === 'error') process.exitCode = exitCodeOf({ code: 'MP999' });
    });
}
