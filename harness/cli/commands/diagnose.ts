import type { Command } from 'commander';
import { formatDiagnosis } from '../../diagnose/diagnose.ts';
import { diagnoseFleet, type FleetPath } from '../../diagnose/fleet.ts';
import { describeError, exitCodeOf, MeshproofError } from '../../errors/meshproof-error.ts';
import { describeTrace } from '../../probe/trace.ts';
import { complain, tell } from '../tell.ts';

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
      'trace every cross-cluster call through config dumps collected from a fleet, and name the hop that breaks',
    )
    .argument(
      '<folder>',
      'folder with the dumps: unpacked istioctl bug-report archives (one for each cluster), the evidence of a ' +
        'run, or one .tar.gz file of either',
    )
    .option('--host <host[:port]>', 'trace only this service; a sidecar that does not know it counts as broken')
    .option('--from <text>', 'trace only calls from proxies whose name contains this text')
    .option('--all', 'also show intact paths')
    .option('--json', 'write JSON to stdout')
    .action(async (folder: string, flags: DiagnoseFlags) => {
      const { readFleet } = await import('../../fleet/fleet-dumps.ts');
      const [, host, port] = /^([\w.-]+)(?::(\d+))?$/.exec(flags.host ?? '') ?? [];
      if (flags.host !== undefined && host === undefined)
        throw new MeshproofError('MP103', { what: '--host takes a host, with a port if need be', seen: flags.host });
      const { isArchive, withUnpacked } = await import('../../report/archive.ts');
      const { proxies: fleet, unread } = isArchive(folder)
        ? await withUnpacked(folder, readFleet)
        : await readFleet(folder);
      for (const error of unread) complain(`${describeError(error)}\n`);
      const paths = diagnoseFleet(fleet, {
        host,
        port: port === undefined ? undefined : Number(port),
        from: flags.from,
      });
      const broken = paths.filter(({ diagnosis }) => diagnosis !== undefined);
      if (flags.json === true)
        tell(
          `${JSON.stringify({
            proxies: fleet.map(({ name, role }) => ({ name, role })),
            unread: unread.map(({ code, details: { where, seen } }) => ({ code, file: where, seen })),
            paths,
          })}\n`,
        );
      else {
        const shown = flags.all === true ? paths : broken;
        tell(
          [
            ...shown.map(formatPath),
            `${fleet.length} proxies, ${paths.length} paths between clusters: ${paths.length - broken.length} ` +
              `whole, ${broken.length} ` +
              `broken${unread.length === 0 ? '' : `; ${unread.length} dumps could not be read`}`,
            '',
          ].join('\n'),
        );
      }
      // What was not looked at may be what breaks.
      process.exitCode = broken.length > 0 ? 1 : unread.length > 0 ? exitCodeOf(unread[0] ?? { code: 'MP703' }) : 0;
    });
}

function formatPath({ from, service, hops, diagnosis, unseen }: FleetPath): string {
  const lines = [
    `${from} → ${service}`,
    ...describeTrace(hops)
      .split('\n')
      .map((line) => `  ${line}`),
  ];
  if (diagnosis !== undefined) lines.push(...formatDiagnosis(diagnosis).map((line) => `  ${line}`));
  if (unseen !== undefined) lines.push(`  ${unseen}`);
  return `${lines.join('\n')}\n`;
}
