import type { Command } from 'commander';
import { diagnosisTold } from '../../diagnose/diagnose.ts';
import { diagnoseFleet, type FleetPath } from '../../diagnose/fleet.ts';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { describeTrace } from '../../probe/trace.ts';

interface DiagnoseFlags {
  readonly host?: string;
  readonly from?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

export function addDiagnose(program: Command): void {
  program
    .command('diagnose')
    .description(
      'follow every call between clusters through config dumps that were collected on a fleet, and name the hop that breaks',
    )
    .argument(
      '<folder>',
      'where the dumps are: istioctl bug-report archives unpacked, one for each cluster, or the evidence of a run',
    )
    .option('--host <host[:port]>', 'this service only; a sidecar that does not know it counts as broken')
    .option('--from <text>', 'calls of proxies whose name holds this text only')
    .option('--all', 'show whole paths as well')
    .option('--json', 'JSON on stdout')
    .action(async (folder: string, flags: DiagnoseFlags) => {
      const { readFleet } = await import('../../run/fleet-dumps.ts');
      const [, host, port] = /^([\w.-]+)(?::(\d+))?$/.exec(flags.host ?? '') ?? [];
      if (flags.host !== undefined && host === undefined)
        throw new MeshproofError('MP103', { what: '--host takes a host, with a port if need be', seen: flags.host });
      const fleet = await readFleet(folder);
      const paths = diagnoseFleet(fleet, {
        host,
        port: port === undefined ? undefined : Number(port),
        from: flags.from,
      });
      const broken = paths.filter(({ diagnosis }) => diagnosis !== undefined);
      if (flags.json === true)
        process.stdout.write(
          `${JSON.stringify({ proxies: fleet.map(({ name, role }) => ({ name, role })), paths })}\n`,
        );
      else {
        const shown = flags.all === true ? paths : broken;
        process.stdout.write(
          [
            ...shown.map(told),
            `${fleet.length} proxies, ${paths.length} paths between clusters: ${paths.length - broken.length} whole, ${broken.length} broken`,
            '',
          ].join('\n'),
        );
      }
      process.exitCode = broken.length > 0 ? 1 : 0;
    });
}

function told({ from, service, hops, diagnosis, unseen }: FleetPath): string {
  const lines = [
    `${from} → ${service}`,
    ...describeTrace(hops)
      .split('\n')
      .map((line) => `  ${line}`),
  ];
  if (diagnosis !== undefined) lines.push(...diagnosisTold(diagnosis).map((line) => `  ${line}`));
  if (unseen !== undefined) lines.push(`  ${unseen}`);
  return `${lines.join('\n')}\n`;
}
