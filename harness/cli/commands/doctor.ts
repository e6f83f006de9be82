import type { Command } from 'commander';
import {
  clustersOption,
  configWithClusters,
  kubernetesOption,
  meshOption,
  providerOption,
  toolchainOption,
} from '../options.ts';
import type { DoctorReport } from '../../inspect/doctor.ts';
import { formatProblem } from '../../inspect/problem.ts';
import { tell } from '../tell.ts';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('show what is available, what will be downloaded or built, how long that takes, and what is missing')
    .addOption(toolchainOption())
    .addOption(meshOption())
    .addOption(kubernetesOption())
    .addOption(providerOption())
    .addOption(clustersOption())
    .option('--json', 'write JSON to stdout')
    .action(
      async (
        flags: {
          readonly json?: boolean;
          readonly toolchain?: string;
          readonly provider?: string;
          readonly mesh?: string;
          readonly kubernetes?: string;
          readonly clusters?: string;
        },
        command: Command,
      ) => {
        const { examine } = await import('../../inspect/doctor.ts');
        const { config: file } = command.optsWithGlobals<{ config?: string }>();
        const { toolchain, provider, mesh, kubernetes } = flags;
        const report = await examine(
          await configWithClusters(file, { toolchain, provider, mesh, kubernetes }, flags.clusters),
        );
        const text = flags.json === true ? `${JSON.stringify(report)}\n` : formatReport(report);
        process.exitCode = report.ready ? 0 : 3;
        // A name server that is still waited for would keep the process for many seconds.
        tell(text, () => process.exit());
      },
    );
}

function formatReport(report: DoctorReport): string {
  const because = (why: string): string => (why === '' ? '' : ` (${why.split('\n')[0] ?? ''})`);
  const rows = report.components.map(({ name, version, state, seconds, bytes }) => {
    const takes = state === 'cached' ? '' : `${String(seconds).padStart(5)} s`;
    const size = `${(bytes / 1e6).toFixed(0)} MB`.padStart(10);
    return `  ${state.padEnd(8)}${name.padEnd(26)}${version.padEnd(44)}${takes}${size}`;
  });
  const toMake = report.forecastSeconds;
  const { publishers } = report;
  const there = publishers.filter(({ state }) => state === 'there').length;
  return [
    `engine: ${report.engine}${because(report.engineWhy)}`,
    `toolchain: ${report.edition}${because(report.editionWhy)}`,
    ...rows,
    toMake === 0 ? 'everything is cached' : `to fetch or build: about ${Math.ceil(toMake / 60)} min`,
    ...(publishers.length === 0 ? [] : [`publishers: ${there} of ${publishers.length} files and images are there`]),
    ...report.pinnedByUser.map((name) => `by your own hash (mirror.pins): ${name}`),
    `disk: ${(report.disk.free / 1e9).toFixed(1)} GB free, ${(report.disk.needed / 1e9).toFixed(1)} GB needed`,
    ...report.skipped.map((what) => `not looked at: ${what}`),
    ...report.warnings.map((warning) => `warning: ${formatProblem(warning)}`),
    ...report.problems.map(formatProblem),
    report.ready ? 'ready' : 'not ready',
    '',
  ].join('\n');
}
