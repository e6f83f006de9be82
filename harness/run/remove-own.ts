import { ClusterApi } from '../cluster/cluster-api.ts';
import type { Environment } from '../scenario/environment.ts';

/**
 * On clusters of the user: takes away the namespaces and objects that this environment made there, by its owner id, and nothing else.
 *
 * @returns a line for each thing that was removed
 * @throws MeshproofError MP510 for a namespace in which somebody else has something; MP504 for a cluster that does not answer; what was made there is still to be removed then.
 */
export async function removeOwn({ clusters }: Pick<Environment, 'clusters'>): Promise<string[]> {
  // All have to answer before anything goes: half a removal would leave calls between clusters broken, and a state that says otherwise.
  const apis = clusters.map((cluster) => new ClusterApi({ ...cluster, agreed: true }));
  await Promise.all(apis.map((api) => api.version()));
  const removed = await Promise.all(
    apis.map(async (api) => {
      const { removed: own, staying } = await api.removeOwnNamespaces();
      return { lines: own.map((what) => `${what} of ${api.address.name}`), staying };
    }),
  );
  // Told once all else is gone: somebody has to look into these.
  const [first] = removed.flatMap(({ staying }) => staying);
  if (first !== undefined) throw first;
  return removed.flatMap(({ lines }) => lines);
}
