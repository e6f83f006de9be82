import { MeshproofError } from '../errors/meshproof-error.ts';
import { isForbidden, isUnknownKind } from './api-errors.ts';
import type { ClusterApi } from './cluster-api.ts';
import { objectName, type KubernetesObject } from './kubernetes-object.ts';
import { lentLabel, scenarioLabel } from './labels.ts';
import { policyKinds, sampleKinds } from './scenario-kinds.ts';

/**
 * The kinds that scenarios make in clusters of somebody else, where nothing of another kind is applied; they may not
 * list others there.
 */
const scenarioKinds = [...Object.values(policyKinds), ...sampleKinds].map(
  ({ apiVersion, kind }) => [apiVersion, kind] as const,
);

/**
 * Deletes the namespaces that the cluster's owner made. One in which somebody else has something stays, and all that is
 * this owner's in it goes; so does what is in namespaces that were lent.
 *
 * @returns what was deleted, and the refusals of namespaces that stay
 */
export async function removeOwnNamespaces(
  api: ClusterApi,
): Promise<{ readonly removed: string[]; readonly staying: MeshproofError[] }> {
  const [removed, staying]: [string[], MeshproofError[]] = [[], []];
  const held: string[] = [];
  for (const name of await api.ownNamespaces()) {
    try {
      await api.delete({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      removed.push(`Namespace ${name}`);
    } catch (error) {
      if (!(error instanceof MeshproofError) || error.code !== 'MP510') throw error;
      staying.push(error);
      held.push(name);
    }
  }
  removed.push(...(await removeSelected(api, api.ownSelector, [...held, ...(await lentNamespaces(api))])));
  return { removed, staying };
}

/**
 * Deletes what interrupted scenarios left behind, and names it. On clusters that meshproof did not make that is in
 * namespaces that it made or that were lent, and nowhere else: it may not even look there.
 */
export async function removeLeftovers(api: ClusterApi): Promise<string[]> {
  const selector = `${scenarioLabel},${api.ownSelector}`;
  if (api.address.foreign !== true) return await removeSelected(api, selector);
  return await removeSelected(api, selector, [...(await api.ownNamespaces()), ...(await lentNamespaces(api))]);
}

async function lentNamespaces(api: ClusterApi): Promise<string[]> {
  const { items } = await api.core.listNamespace({ labelSelector: `${lentLabel}=true` });
  return items.flatMap(({ metadata }) => metadata?.name ?? []);
}

async function removeSelected(api: ClusterApi, selector: string, among?: readonly string[]): Promise<string[]> {
  const kinds =
    among === undefined
      ? (await api.deletableKinds()).map(({ apiVersion, kind }) => [apiVersion, kind] as const)
      : scenarioKinds;
  const places = among ?? [undefined];
  const lists = await Promise.all(
    kinds
      .flatMap(([apiVersion, kind]) => places.map((place) => [apiVersion, kind, place] as const))
      .map(async ([apiVersion, kind, place]) => {
        // Who may not list a kind in a namespace, which may be lent to somebody else, has made none there; of a kind
        // that the cluster does not know nobody has.
        const found = await api.listObjects(apiVersion, kind, selector, place).catch((error: unknown) => {
          if (place !== undefined && (isForbidden(error) || isUnknownKind(error))) return [];
          throw error;
        });
        // What a controller made of another object goes with that.
        return found
          .filter(({ metadata: { ownerReferences = [] } }) => ownerReferences.length === 0)
          .map(({ metadata: { name, namespace } }): KubernetesObject => ({
            apiVersion,
            kind,
            metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
          }));
      }),
  );
  // Namespaces and definitions last: with them goes what they hold, and nothing is left to name.
  const last = (kind: string): boolean => kind === 'Namespace' || kind === 'CustomResourceDefinition';
  const left = lists.flat().sort((a, b) => Number(last(a.kind)) - Number(last(b.kind)));
  for (const object of left) await api.delete(object);
  return left.map(objectName);
}
