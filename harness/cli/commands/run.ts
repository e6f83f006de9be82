import { join } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import { countClaims, formatCounts, phaseSeconds } from '../../report/run-data.ts';
import type { RunRequest } from '../../run/request.ts';
import type { RunRecord } from '../../run/record/run-record.ts';
import type { Shard } from '../../run/schedule/shard.ts';
import { summary as summaryOf } from '../../report/summary.ts';
import { offers } from '../../cluster/providers/registry.ts';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { createProgress } from '../../progress/progress.ts';
import {
  atOnceOf,
  clustersOption,
  configWithClusters,
  idsOf,
  kubernetesOption,
  meshOption,
  providerOption,
  toolchainOption,
} from '../options.ts';
import { addToJobSummary } from '../job-summary.ts';
import { exitCodeOfRun, runSummary } from '../run-result.ts';
import { enterGoesOn } from '../pause-key.ts';
import { untilSignal } from '../signals.ts';
import { tell } from '../tell.ts';

interface RunFlags {
  readonly keep?: boolean;
  readonly reuse?: boolean;
  readonly json?: boolean;
  readonly only?: string;
  readonly shard?: string;
  readonly atOnce?: string;
  readonly shuffle?: string | true;
  readonly prove?: boolean;
  readonly pauseOnFailure?: boolean;
  readonly provider?: string;
  readonly clusters?: string;
  readonly toolchain?: string;
  readonly mesh?: string;
  readonly kubernetes?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export function addRun(program: Command): void {
  program
    .command('run')
    .description('bring up meshed clusters (two by default), prove every claim, write a report and tear down')
    .option('--only <ids>', 'play only these scenarios: IDs, patterns with *, or suites, separated by commas')
    .option(
      '--shard <place/count>',
      'play one part of the scenarios, e.g. 2/3; `report --merge` combines all parts into one run',
    )
    .option('--at-once <count>', 'how many scenarios play at the same time, at most; 1 plays one after the other')
    .option('--shuffle [seed]', 'play the scenarios in random order; the printed seed repeats the order')
    .option(
      '--prove',
      'undo the cause of a failed scenario, play the scenario again, and put the cause back (only on clusters ' +
        'that meshproof created)',
    )
    .option('--pause-on-failure', 'when the first claim fails, keep the mesh as it is until you press Enter')
    .option('--keep', 'keep the environment after the run')
    .option('--reuse', 'use the environment that `up` or `--keep` left')
    .addOption(providerOption())
    .addOption(clustersOption())
    .addOption(toolchainOption())
    .addOption(meshOption())
    .addOption(kubernetesOption())
    .option('--yes', 'on your own clusters: do not ask before the first write')
    .option('--dry-run', 'on your own clusters: show what would be played and created, and write nothing')
    .option('--json', 'end with one line of JSON on stdout')
    .action(async (flags: RunFlags, command: Command) => {
      await runAndReport(command, flags, { plays: true, keep: flags.keep === true });
    });
}

export function addUp(program: Command): void {
  program
    .command('up')
    .description('bring up meshed clusters (two by default) and keep them')
    .addOption(providerOption())
    .addOption(clustersOption())
    .addOption(toolchainOption())
    .addOption(meshOption())
    .addOption(kubernetesOption())
    .option('--yes', 'as for `run`; on your own clusters, `up` writes nothing, so it does not ask')
    .option('--json', 'end with one line of JSON on stdout')
    .action(async (flags: RunFlags, command: Command) => {
      await runAndReport(command, flags, { plays: false, keep: true });
    });
}

export function addPrepare(program: Command): void {
  program
    .command('prepare')
    .description('download or build everything that a run needs (programs and images), and start nothing')
    .addOption(toolchainOption())
    .addOption(meshOption())
    .addOption(kubernetesOption())
    .option('--json', 'end with one line of JSON on stdout')
    .action(async (flags: RunFlags, command: Command) => {
      await runAndReport(command, flags, { plays: false, keep: false, prepareOnly: true });
    });
}

async function runAndReport(
  command: Command,
  flags: RunFlags,
  wish: Pick<RunRequest, 'keep' | 'prepareOnly'> & { readonly plays: boolean },
): Promise<void> {
  const { config: file } = command.optsWithGlobals<{ config?: string }>();
  const { provider, toolchain, mesh, kubernetes } = flags;
  const atOnce = flags.atOnce === undefined ? undefined : atOnceOf(flags.atOnce);
  const config = await configWithClusters(file, { provider, toolchain, mesh, kubernetes, atOnce }, flags.clusters);
  const [{ parseShard }, { seedOf }] = await Promise.all([
    import('../../run/schedule/shard.ts'),
    import('../../run/schedule/seed.ts'),
  ]);
  const shard = flags.shard === undefined ? undefined : parseShard(flags.shard);
  const { plays, ...kept } = wish;
  const only = plays ? await partOf(await idsOf(flags.only, config.scenarios), shard, config) : [];
  if (flags.dryRun === true) {
    await preview(config, only, flags.json === true);
    return;
  }
  const [{ run }, { askFirst }] = await Promise.all([
    import('../../run/run.ts'),
    import('../../environment/consent.ts'),
  ]);
  const onRed = { prove: flags.prove === true, pauses: flags.pauseOnFailure === true };
  const request = { config, only, shard, shuffle: seedOf(flags.shuffle), onRed, reuse: flags.reuse === true, ...kept };
  let folder: string | undefined;
  const stopListening = onRed.pauses ? enterGoesOn(() => folder) : () => undefined;
  const record = await run(request, {
    progress: createProgress(),
    signal: untilSignal(),
    agree: askFirst(flags.yes === true),
    began: (begun) => {
      folder = begun;
    },
  }).finally(stopListening);
  tell(flags.json === true ? `${JSON.stringify(runSummary(record))}\n` : `${summaryLines(record).join('\n')}\n`);
  if (only?.length !== 0) await addToJobSummary(`## meshproof: ${record.data.verdict}\n\n${summaryOf(record.data)}\n`);
  process.exitCode = exitCodeOfRun(record.data);
}

/**
 * The ids of the scenarios that are played: all that are wanted, or one shard of them.
 *
 * @throws MeshproofError MP103 for a shard that there is not.
 */
async function partOf(
  only: readonly string[] | undefined,
  shard: Shard | undefined,
  config: Config,
): Promise<typeof only> {
  if (shard === undefined) return only;
  const { scenariosOfShard } = await import('../../run/schedule/shard.ts');
  const { listScenarios } = await import('../../config/scenario-files.ts');
  return scenariosOfShard(await listScenarios(config.scenarios, only), shard).map(({ meta }) => meta.id);
}

/** @throws MeshproofError MP103 where there is nothing that could be asked without making it. */
async function preview(config: Config, only: readonly string[] | undefined, json: boolean): Promise<void> {
  if (offers(config.provider, 'ownsCluster'))
    throw new MeshproofError('MP103', {
      what: '--dry-run looks at clusters that are there',
      remedy: 'For clusters that meshproof makes, `meshproof doctor` says what will be done.',
    });
  const { dryRun, formatDryRun } = await import('../../inspect/dry-run.ts');
  const seen = await dryRun(config, only, untilSignal());
  tell(json ? `${JSON.stringify(seen)}\n` : formatDryRun(seen));
}

function summaryLines(record: RunRecord): string[] {
  const { verdict } = record.data;
  const { total = 0, ...phases } = phaseSeconds(record.data);
  return [
    `${verdict}: ${formatCounts(countClaims(record.data))}`,
    `${total.toFixed(1)} s: ${Object.entries(phases)
      .map(([phase, seconds]) => `${phase} ${seconds}`)
      .join(', ')}`,
    `report: ${record.data.scenarios.length > 0 ? join(record.folder, 'report.html') : record.folder}`,
  ];
}
