import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { ClusterApi } from '../cluster/cluster-api.ts';
import { objectName, type KubernetesObject } from '../cluster/kubernetes-object.ts';
import { ownLabels } from '../cluster/labels.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { exportLabel } from '../mesh/fleet-services.ts';
import type { IntendedWrites } from '../environment/consent.ts';
import type { Exported } from './export-services.ts';

const serviceEntry = ['networking.istio.io/v1', 'ServiceEntry'] as const;

/** What bringing one cluster to an export takes. */
export interface ExportChange {
  readonly cluster: ClusterAddress;
  readonly wanted: readonly KubernetesObject[];
  /** Entries of this very export that are no longer among them. */
  readonly stale: readonly KubernetesObject[];
}

/** The clusters as an export writes to them: it owns what carries its name, wherever it runs, and nothing else. */
export const asExport = (clusters: readonly ClusterAddress[], name: string, agreed: boolean): ClusterAddress[] =>
  clusters.map((cluster) => ({ ...cluster, owner: `export.${name}`, agreed }));

/**
 * What would be applied and deleted in each cluster. Nothing is written.
 *
 * @param name of the export
 * @param mayBeEmpty whether all entries of the export may go
 * @throws MeshproofError MP610 for an empty export that would delete what an earlier one applied.
 */
export async function changesOf(
  clusters: readonly ClusterAddress[],
  { objects }: Exported,
  name: string,
  mayBeEmpty: boolean,
): Promise<ExportChange[]> {
  const changes = await Promise.all(
    asExport(clusters, name, false).map(async (cluster) => {
      const wanted = objects[cluster.name] ?? [];
      const own = { [exportLabel]: name, ...ownLabels(cluster.owner) };
      const selector = Object.entries(own).map((label) => label.join('='));
      const there = await new ClusterApi(cluster).listObjects(...serviceEntry, selector.join(','));
      return { cluster, wanted, stale: there.filter((entry) => !wanted.some((object) => sameName(object, entry))) };
    }),
  );
  const [applied, deleted] = [changes.flatMap(({ wanted }) => wanted), changes.flatMap(({ stale }) => stale)];
  if (applied.length > 0 || deleted.length === 0 || mayBeEmpty) return changes;
  throw new MeshproofError('MP610', {
    what: `the export ${name} is empty, and would delete all that it applied before`,
    where: clusters.map((cluster) => cluster.name).join(', '),
    seen: deleted.map(objectName).join('\n'),
    remedy: 'See that --namespaces names what is to be exported; when all of it is to go, say so with --allow-empty.',
  });
}

/** The same as the question before the first write tells it. */
export const exportWrites = (changes: readonly ExportChange[]): IntendedWrites => ({
  clusters: changes.flatMap(({ cluster }) => (cluster.foreign === true ? [cluster] : [])),
  made: changes.flatMap(({ cluster, wanted }) =>
    wanted.map((object) => `${cluster.name}: ${objectName(object)} for ${hostsIn(object)}, seen by every namespace`),
  ),
  deleted: changes.flatMap(({ cluster, stale }) =>
    stale.length === 0
      ? [`${cluster.name}: nothing`]
      : stale.map((object) => `${cluster.name}: ${objectName(object)} for ${hostsIn(object)}`),
  ),
});

/** Brings the clusters to what was exported, and tells how much that was. */
export async function applyExport(changes: readonly ExportChange[], signal: AbortSignal): Promise<string[]> {
  return await Promise.all(
    changes.map(async ({ cluster, wanted, stale }) => {
      const api = new ClusterApi({ ...cluster, agreed: true });
      await api.applyAll(wanted, signal);
      for (const object of stale) await api.delete(object);
      return `${cluster.name}: ${wanted.length} applied, ${stale.length} deleted`;
    }),
  );
}

const sameName = (left: KubernetesObject, right: KubernetesObject): boolean =>
  left.metadata.name === right.metadata.name && left.metadata.namespace === right.metadata.namespace;

function hostsIn({ spec }: KubernetesObject): string {
  const { hosts = [] } = spec as { readonly hosts?: readonly string[] };
  return hosts.join(', ');
}
