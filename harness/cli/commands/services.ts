import type { Command } from 'commander';
import { asMeshproofError, describeError, MeshproofError } from '../../errors/meshproof-error.ts';
import { loadConfig } from '../../config/config.ts';
import type { Exported } from '../../fleet/export-services.ts';
import { standsWhere } from '../kept.ts';
import { untilSignal } from '../signals.ts';
import { complain, tell } from '../tell.ts';

interface ExportFlags {
  readonly namespaces?: string;
  readonly into: string;
  readonly range: string;
  readonly out?: string;
  readonly book: string;
  readonly apply?: boolean;
  readonly name?: string;
  readonly allowEmpty?: boolean;
  readonly yes?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

export function addServices(program: Command): void {
  const services = program
    .command('services')
    .description('export the services of a fleet, so that its clusters can call each other’s services');
  services
    .command('export')
    .description('write ServiceEntries, so that every cluster can call the services of all others under .global')
    .option(
      '--namespaces <names>',
      'namespaces of the exported services, separated by commas (default: namespaces with sidecar injection)',
    )
    .option('--into <namespace>', 'namespace for the entries of remote services', 'istio-system')
    .option('--range <cidr>', 'address range, inside 240.0.0.0/4', '240.64.0.0/16')
    .option('--out <folder>', 'folder for the <cluster>.yaml files (default: write all of them to stdout)')
    .option('--book <file>', 'file that records the address of each host', 'meshproof-addresses.json')
    .option('--apply', 'also apply the entries, and delete entries that this export applied before and no longer needs')
    .option(
      '--name <export>',
      'name of the export (required with --apply): its entries carry it, other entries are left alone',
    )
    .option(
      '--allow-empty',
      'with --apply: continue when nothing is left to export, which deletes everything that it applied',
    )
    .option('--yes', 'with --apply: do not ask before the first write')
    .option('--watch', 'keep running, and keep the files (and clusters) in sync with the services of the clusters')
    .option(
      '--json',
      'write one line of JSON for each export: the number of entries in each cluster, and the changed files',
    )
    .action(async (flags: ExportFlags, command: Command) => {
      const config = await loadConfig(command.optsWithGlobals<{ config?: string }>().config);
      const { fleetClusters } = await import('../../fleet/fleet-clusters.ts');
      const fleet = await fleetClusters(config);
      if (fleet.environment !== undefined && !(await standsWhere(fleet.environment))) return;
      if (flags.watch === true && flags.out === undefined && flags.apply !== true)
        throw new MeshproofError('MP103', {
          what: '--watch needs something to keep in step',
          expected: '--out <folder>, --apply, or both',
        });
      const { clusters } = fleet;
      const name = nameOf(flags, config.name);
      const signal = untilSignal();
      const [{ exportFleet, manifestOf, writeExport }, { applyExport, changesOf, exportWrites }, { askFirst }] =
        await Promise.all([
          import('../../fleet/export-services.ts'),
          import('../../fleet/apply-export.ts'),
          import('../../environment/consent.ts'),
        ]);
      // Asked once, with every entry by name: what follows while it watches is of the same kind, and of this export
      // only.
      let agree = askFirst(flags.yes === true);
      const apply = async (exported: Exported): Promise<string[]> => {
        const changes = await changesOf(clusters, exported, name, flags.allowEmpty === true);
        await agree(exportWrites(changes));
        agree = askFirst(true);
        return await applyExport(changes, signal);
      };
      const options = {
        clusters,
        topology: config.topology,
        name,
        namespaces: flags.namespaces?.split(',').map((name) => name.trim()),
        into: flags.into,
        range: flags.range,
        book: flags.book,
      };
      const once = async (): Promise<void> => {
        const exported = await exportFleet(options, signal);
        const files = flags.out === undefined ? [] : await writeExport(flags.out, exported);
        const applied = flags.apply === true ? await apply(exported) : [];
        const counts = Object.fromEntries(
          Object.entries(exported.objects).map(([cluster, objects]) => [cluster, objects.length]),
        );
        if (flags.json === true) tell(`${JSON.stringify({ entries: counts, files, applied })}\n`);
        else if (flags.out === undefined && flags.apply !== true)
          for (const [cluster, objects] of Object.entries(exported.objects))
            tell(`# cluster ${cluster}\n${manifestOf(objects)}`);
        else for (const line of [...files.map((file) => `wrote ${file}`), ...applied]) tell(`${line}\n`);
      };
      await once();
      if (flags.watch !== true) return;
      const { onServiceChanges } = await import('../../fleet/watch-services.ts');
      const told = (error: unknown): void => {
        complain(`${describeError(asMeshproofError(error))}\nIt is tried again.\n`);
      };
      await onServiceChanges(clusters, once, { signal, tell: told });
    });
}

/**
 * The name that marks the entries of an export.
 *
 * @throws MeshproofError MP103 when entries are to be applied under no name, or under one that cannot be a label.
 */
function nameOf({ name, apply }: ExportFlags, otherwise: string): string {
  if (name === undefined && apply === true)
    throw new MeshproofError('MP103', {
      what: '--apply needs --name <export>',
      expected: 'a name that only this export has: entries that carry it and are not exported any more are deleted',
    });
  if (name !== undefined && !/^[a-z][a-z0-9-]{0,39}$/.test(name))
    throw new MeshproofError('MP103', {
      what: '--name cannot mark an export',
      expected: 'lower-case letters, digits and dashes, 40 at most',
      seen: name,
    });
  return name ?? otherwise;
}
