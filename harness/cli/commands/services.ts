import type { Command } from 'commander';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { loadConfig } from '../../run/config.ts';
import { untilSignal } from '../signals.ts';

interface ExportFlags {
  readonly namespaces?: string;
  readonly into: string;
  readonly range: string;
  readonly out?: string;
  readonly book: string;
  readonly apply?: boolean;
  readonly yes?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

export function addServices(program: Command): void {
  const services = program.command('services').description('the services of a fleet, as its clusters see each other');
  services
    .command('export')
    .description('write the ServiceEntries by which every cluster calls the services of all others under .global')
    .option(
      '--namespaces <names>',
      'namespaces whose services are exported, separated by commas (default: those with sidecar injection)',
    )
    .option('--into <namespace>', 'namespace of the entries for remote services', 'istio-system')
    .option('--range <cidr>', 'where addresses come from, inside of 240.0.0.0/4', '240.64.0.0/16')
    .option('--out <folder>', 'write <cluster>.yaml there (default: all of them to stdout)')
    .option('--book <file>', 'where the address of each host is written down', 'meshproof-addresses.json')
    .option('--apply', 'apply them as well, and delete those of earlier exports that are no longer needed')
    .option('--yes', 'with --apply: do not ask before the first write')
    .option('--watch', 'stay, and keep files (and clusters) in step with the services of the clusters')
    .option('--json', 'one line of JSON for each export: how many entries each cluster has, and which files changed')
    .action(async (flags: ExportFlags, command: Command) => {
      const config = await loadConfig(command.optsWithGlobals<{ config?: string }>().config);
      const { fleetClusters } = await import('../../run/fleet-clusters.ts');
      const fleet = await fleetClusters(config);
      const { standsInside, runThisInside } = await import('../../run/inside-lab.ts');
      if (fleet.environment !== undefined && !(await standsInside(fleet.environment))) {
        process.exitCode = await runThisInside(fleet.environment);
        return;
      }
      if (flags.watch === true && flags.out === undefined && flags.apply !== true)
        throw new MeshproofError('MP103', {
          what: '--watch needs something to keep in step',
          expected: '--out <folder>, --apply, or both',
        });
      const { clusters } = fleet;
      if (flags.apply === true && fleet.environment === undefined) {
        const { confirmWrites } = await import('../confirm.ts');
        await confirmWrites(
          clusters,
          `ServiceEntries in the namespaces of exported services and in ${flags.into}`,
          flags.yes === true,
        );
      }
      const signal = untilSignal();
      const { applyExport, exportFleet, manifestOf, writeExport } = await import('../../run/export-services.ts');
      const options = {
        clusters,
        namespaces: flags.namespaces?.split(',').map((name) => name.trim()),
        into: flags.into,
        range: flags.range,
        book: flags.book,
      };
      const once = async (): Promise<void> => {
        const exported = await exportFleet(options, signal);
        const files = flags.out === undefined ? [] : await writeExport(flags.out, exported);
        const applied = flags.apply === true ? await applyExport(clusters, exported, signal) : [];
        const counts = Object.fromEntries(
          Object.entries(exported.objects).map(([cluster, objects]) => [cluster, objects.length]),
        );
        if (flags.json === true) process.stdout.write(`${JSON.stringify({ entries: counts, files, applied })}\n`);
        else if (flags.out === undefined && flags.apply !== true)
          for (const [cluster, objects] of Object.entries(exported.objects))
            process.stdout.write(`# cluster ${cluster}\n${manifestOf(objects)}`);
        else
          for (const line of [...files.map((file) => `wrote ${file}`), ...applied]) process.stdout.write(`${line}\n`);
      };
      await once();
      if (flags.watch !== true) return;
      const { onServiceChanges } = await import('../../run/watch-services.ts');
      await onServiceChanges(clusters, once, signal);
    });
}
