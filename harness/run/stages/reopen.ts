import { removeLeftovers } from '../../cluster/leftovers.ts';
import { ClusterApi } from '../../cluster/cluster-api.ts';
import { withAgreement } from '../../environment/consent.ts';
import { readEnvironment } from '../../environment/state.ts';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { clearStubDomain } from '../../scenario/cluster-dns.ts';
import { formatClean } from '../../report/clean.ts';
import type { Environment } from '../../scenario/environment.ts';
import { compareWithBaseline } from '../../scenario/look-around.ts';
import type { Plan } from '../plan.ts';
import type { Stage } from '../request.ts';

/**
 * Opens the kept environment in place of making one: checks that every cluster of it answers, and clears away what an
 * interrupted run left there.
 *
 * @throws MeshproofError MP105 when none is kept, MP504 for a cluster that does not answer.
 */
export async function reopen({ request, agreed }: Plan, { record, progress, signal }: Stage): Promise<Environment> {
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
  if (request.only?.length !== 0) await noteWhetherClean(kept, record, progress);
  return kept;
}

/** So many lines of what is not as it was are printed; the record has all. */
const printed = 8;

/**
 * Says whether the environment is as it was when its mesh was proven ready. Nothing is refused because of it: what
 * scenarios find is judged by what they see, and this tells whoever reads a red run what was done to the mesh before.
 */
async function noteWhetherClean(
  environment: Environment,
  record: Stage['record'],
  progress: Stage['progress'],
): Promise<void> {
  const before = await compareWithBaseline(environment);
  if (before === undefined) return;
  await record.save({ before });
  progress.note(formatClean(before));
  for (const line of before.departures.slice(0, printed)) progress.note(`    ${line}`);
  if (before.departures.length > printed)
    progress.note(`    and ${before.departures.length - printed} more; run.json has them all`);
}
