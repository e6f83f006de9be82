import { removeLeftovers } from '../../cluster/leftovers.ts';
import { ClusterApi } from '../../cluster/cluster-api.ts';
import { withAgreement } from '../../environment/consent.ts';
import { readEnvironment } from '../../environment/state.ts';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { clearStubDomain } from '../../scenario/cluster-dns.ts';
import type { Environment } from '../../scenario/environment.ts';
import type { Plan } from '../plan.ts';
import type { Stage } from '../request.ts';

/**
 * Opens the kept environment in place of making one: checks that every cluster of it answers, and clears away what an
 * interrupted run left there.
 *
 * @throws MeshproofError MP105 when none is kept, MP504 for a cluster that does not answer.
 */
export async function reopen({ request, agreed }: Plan, { progress, signal }: Stage): Promise<Environment> {
  const { name } = request.config;
  const found = await readEnvironment(name);
  if (found === undefined) throw new MeshproofError('MP105', { what: `no environment ${name} is kept` });
  const kept = { ...found, clusters: withAgreement(found.clusters, agreed) };
  await Promise.all(
    kept.clusters.map(async (cluster) => {
      const api = new ClusterApi(cluster);
      await api.version();
      if (request.only?.length === 0) return;
      const left = await removeLeftovers(api);
      // A stub domain of a cluster that meshproof did not make is somebody's own: the page tells people to add it.
      if (cluster.foreign !== true && (await clearStubDomain(api, signal))) left.push('the stub domain global');
      if (left.length > 0) progress.note(`${cluster.name}: removed what an interrupted run left: ${left.join(', ')}`);
    }),
  );
  return kept;
}
