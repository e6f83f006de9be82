import type { Command } from 'commander';
import { kubernetesOption, meshOption, providerOption, toolchainOption } from '../options.ts';
import { loadConfig } from '../../run/config.ts';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('say what is there, what will be fetched or built, how long it takes, and what is missing')
    .addOption(toolchainOption())
    .addOption(meshOption())
    .addOption(kubernetesOption())
    .addOption(providerOption())
    .option('--json', 'JSON on stdout')
    .action(
      async (
        flags: {
          readonly json?: boolean;
          readonly toolchain?: string;
          readonly provider?: string;
          readonly mesh?: string;
          readonly kubernetes?: string;
        },
        command: Command,
      ) => {
        const { examine } = await import('../../run/doctor.ts');
        const { config: file } = command.optsWithGlobals<{ config?: string }>();
        const report = await examine(
          await loadConfig(file, {
            toolchain: flags.toolchain,
            provider: flags.provider,
            mesh: flags.mesh,
            kubernetes: flags.kubernetes,
          }),
        );
        if (flags.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
        else {
          const rows = report.components.map(
            ({ name, version, state, seconds, bytes }) =>
              `  ${state.padEnd(8)}${name.padEnd(26)}${version.padEnd(44)}${state === 'cached' ? '' : `${String(seconds).padStart(5)} s`}${`${(bytes / 1e6).toFixed(0)} MB`.padStart(10)}`,
          );
          // Measured beside each other, a bit more than two at a time.
          const toMake =
            report.components.filter(({ state }) => state !== 'cached').reduce((sum, { seconds }) => sum + seconds, 0) /
            2.2;
          process.stdout.write(
            [
              `engine: ${report.engine}, toolchain: ${report.edition}`,
              ...rows,
              toMake === 0 ? 'everything is cached' : `to fetch or build: about ${Math.ceil(toMake / 60)} min`,
              `disk: ${(report.disk.free / 1e9).toFixed(1)} GB free, ${(report.disk.needed / 1e9).toFixed(1)} GB needed`,
              ...report.problems.map(({ code, message, remedy }) => `${code} ${message}\n  try: ${remedy}`),
              report.ready ? 'ready' : 'not ready',
              '',
            ].join('\n'),
          );
        }
        process.exitCode = report.ready ? 0 : 3;
      },
    );
}
