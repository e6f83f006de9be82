import { ClusterApi, type ClusterAddress } from '../cluster/cluster-api.ts';
import { ownLabels } from '../cluster/labels.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Environment } from '../scenario/environment.ts';

/**
 * On clusters of the user: takes away the namespaces and objects that this environment made there, by its owner id, and nothing else.
 *
 * @param forget leaves clusters that do not answer as they are, because they are gone for good
 * @returns a line for each thing that was removed, or that stays because it was left
 * @throws MeshproofError MP510 for a namespace in which somebody else has something; MP504 for a cluster that does not answer; what was made there is still to be removed then.
 */
export async function removeOwn(
  { clusters }: Pick<Environment, 'clusters'>,
  { forget = false }: { readonly forget?: boolean } = {},
): Promise<string[]> {
  // All have to answer before anything goes: half a removal would leave calls between clusters broken, and a state that says otherwise.
  const left: string[] = [];
  const answering = await Promise.all(
    clusters.map(async (cluster) => {
      try {
        const api = new ClusterApi({ ...cluster, agreed: true });
        await api.version();
        return [api];
      } catch (error) {
        if (!forget || !(error instanceof MeshproofError && error.code === 'MP504')) throw error;
        left.push(leftIn(cluster));
        return [];
      }
    }),
  );
  const apis = answering.flat();
  const removed = await Promise.all(
    apis.map(async (api) => {
      const { removed: own, staying } = await api.removeOwnNamespaces();
      return { lines: own.map((what) => `${what} of ${api.address.name}`), staying };
    }),
  );
  // Told once all else is gone: somebody has to look into these.
  const [first] = removed.flatMap(({ staying }) => staying);
  if (first !== undefined) throw first;
  return [...removed.flatMap(({ lines }) => lines), ...left];
}

function leftIn({ name, context, owner }: ClusterAddress): string {
  const selector = Object.entries(ownLabels(owner)).map((label) => label.join('='));
  return `nothing of ${name} (context ${context} does not answer): what may be left there carries ${selector.join(' and ')}`;
}
