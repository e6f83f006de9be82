import { z } from 'zod';
import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { askIstiods } from './istiods.ts';
import { pushesOf, type ProxySync } from './readiness.ts';

/** One object of istiod's `/debug/configz`: what of the API it holds by now. */
const heldSchema = z.array(
  z.looseObject({
    kind: z.string().optional(),
    metadata: z.looseObject({
      name: z.string(),
      namespace: z.string().optional(),
      uid: z.string().optional(),
      generation: z.number().optional(),
    }),
  }),
);

/** An Istio object as the API server took it. */
export interface TakenObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Grows with each change of its spec; what others write into its status leaves it. */
  readonly generation: number;
}

/** Whether every istiod of a cluster holds all of these objects, in the version that the API server gave them. */
export async function istiodHolds(
  kubectl: string,
  cluster: ClusterAddress,
  applied: readonly TakenObject[],
): Promise<boolean> {
  if (applied.length === 0) return true;
  const pages = await askIstiods(kubectl, cluster, '/debug/configz');
  return pages.every((page) => {
    const held = heldSchema.parse(JSON.parse(page));
    return applied.every((wanted) =>
      held.some(
        ({ kind, metadata: { name, namespace = '', uid, generation } }) =>
          kind === wanted.kind &&
          name === wanted.name &&
          namespace === wanted.namespace &&
          uid === wanted.uid &&
          generation === wanted.generation,
      ),
    );
  });
}

/** So long must nothing new come, in milliseconds, before what was sent counts as all there is. */
const quietFor = 5_000;
/** A push that is older than what istiod holds may still be under way; the second newer one holds it all. */
const newerPushes = 2;

/**
 * Whether all that was applied has reached these proxies, so that waiting longer is no use. It has once istiod holds it
 * and each proxy has acknowledged what came then: on a quiet mesh nothing more comes for five seconds; on a busy one,
 * where pushes never end, the second push that began after istiod held it was acknowledged. Asked after each look of a
 * wait; it looks itself about once a second.
 *
 * @param holds whether istiod holds what was applied
 * @param syncs what istiod has sent to the proxies that are meant, and what they acknowledged; undefined when one is
 *   not connected
 */
export function delivered(
  holds: () => Promise<boolean>,
  syncs: () => Promise<readonly ProxySync[] | undefined>,
  now: () => number = () => performance.now(),
): () => Promise<boolean> {
  let [asked, heldBefore, ripe] = [-Infinity, false, false];
  /** "sleep.foo cluster" → the versions that were acknowledged since istiod held it all, and when the last one came. */
  const acknowledged = new Map<string, { readonly versions: Set<string>; since: number }>();
  return async () => {
    if (now() - asked < 1_000) return false;
    // What was delivered before the last look was seen by it.
    if (ripe) return true;
    asked = now();
    heldBefore ||= await holds();
    if (!heldBefore) return false;
    const proxies = await syncs();
    if (proxies === undefined || proxies.length === 0) return false;
    // All of them are noted before any is judged: the quiet of the last one must not begin when the first one's ends.
    const each = proxies.flatMap((sync) => {
      const { versions, acknowledged: taken, unacknowledged } = pushesOf(sync);
      const types = Object.keys(versions);
      if (types.length === 0) return [false];
      return types.map((type) => {
        const key = `${sync.proxy ?? ''} ${type}`;
        const version = taken[type] ?? '';
        const known = acknowledged.get(key) ?? { versions: new Set<string>(), since: now() };
        if (!known.versions.has(version)) known.since = now();
        known.versions.add(version);
        acknowledged.set(key, known);
        const quiet = !unacknowledged.includes(type) && now() - known.since >= quietFor;
        return quiet || known.versions.size > newerPushes;
      });
    });
    ripe = each.every(Boolean);
    // Quiet lasted until this very moment, and the look before it saw it all.
    const pushesEnd = [...acknowledged.values()].every(({ since }) => now() - since >= quietFor);
    return ripe && pushesEnd;
  };
}
