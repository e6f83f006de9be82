import { z } from 'zod';
import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { isNewerPush } from '../probe/envoy/push-version.ts';
import { envoyAdmin, getFromPod } from '../probe/loopback.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { proxySyncs, pushesOf, type ProxySync } from './readiness.ts';

/** How the proxies of a cluster are asked; a test asks none. */
export interface ProxyQuestions {
  /** What istiod knows of every connected proxy. */
  readonly syncs: () => Promise<readonly ProxySync[]>;
  /** Which clusters of these names, by a pattern in RE2's syntax, a proxy has taken into use. */
  readonly clusters: (proxy: string, pattern: string) => Promise<ReadonlySet<string>>;
}

/** Asks the proxies of a cluster that meshproof made. */
export const proxiesOf = (kubectl: string, cluster: ClusterAddress): ProxyQuestions => ({
  syncs: () => proxySyncs(kubectl, cluster),
  clusters: (proxy, pattern) => activeClusters(kubectl, cluster, proxy, pattern),
});

/** Proxy, as "pod.namespace" → the last version of its clusters that it acknowledged. */
export type Acknowledged = ReadonlyMap<string, string>;

/** What every proxy has acknowledged by now. */
export async function acknowledgedNow({ syncs }: ProxyQuestions): Promise<Acknowledged> {
  return new Map((await syncs()).map((sync) => [sync.proxy ?? '', pushesOf(sync).acknowledged['cluster'] ?? '']));
}

export interface Holding {
  /** Name of the cluster, for messages. */
  readonly cluster: string;
  /** What the proxies had acknowledged before the change. */
  readonly before: Acknowledged;
  /** Names of Envoy's clusters that each proxy must have. */
  readonly names: readonly string[];
  /** A pattern that matches all of them as a whole, and little else. */
  readonly pattern: string;
  /** Milliseconds. */
  readonly within: number;
  readonly signal: AbortSignal;
}

/** Milliseconds between two looks; a look itself takes longer. */
const every = 20;

/**
 * Waits until every proxy of a cluster holds a change: it has acknowledged a push of its clusters that is newer than
 * the change, nothing that was sent is outstanding, the next look finds the same, and its own dump has what the change
 * made. An acknowledgement alone may be of a push that was under way before.
 *
 * @returns the moment, as `performance.now()` tells it, at which the answer was there that no later one differed from
 * @throws MeshproofError MP701 with the proxies that lag, and with what.
 */
export async function heldByAll(questions: ProxyQuestions, holding: Holding): Promise<number> {
  const { cluster, before, names, pattern, within, signal } = holding;
  let candidate: { readonly at: number; readonly state: string } | undefined;
  let lacking: string | undefined;
  return await waitFor<number>({
    name: `every proxy of ${cluster} holds the change, as acknowledged`,
    where: `cluster ${cluster}`,
    within,
    every,
    signal,
    look: async () => {
      const syncs = await questions.syncs();
      const at = performance.now();
      if (syncs.length === 0) return notYet('no proxy is connected to istiod');
      const lagging = syncs.flatMap((sync) => lagOf(sync, before) ?? []);
      if (lagging.length > 0) {
        candidate = undefined;
        return notYet(lagging.join('; '));
      }
      const state = JSON.stringify(syncs.map((sync) => [sync.proxy, pushesOf(sync).acknowledged]).sort());
      if (candidate?.state !== state) {
        candidate = { at, state };
        return notYet(lacking ?? 'all acknowledged, and more may be under way');
      }
      const missing = await Promise.all(
        syncs.map(async ({ proxy = '' }) => {
          const found = await questions.clusters(proxy, pattern);
          const absent = names.filter((name) => !found.has(name));
          return absent.length === 0 ? [] : [`${proxy} lacks ${absent.length} clusters, ${absent[0] ?? ''} first`];
        }),
      );
      const [first] = missing.flat();
      if (first === undefined) return holds(candidate.at);
      candidate = undefined;
      lacking = `all acknowledged, and ${first}`;
      return notYet(lacking);
    },
    tolerates: (error) => error instanceof MeshproofError && error.code === 'MP702',
  });
}

function lagOf(sync: ProxySync, before: Acknowledged): string | undefined {
  const { acknowledged, unacknowledged } = pushesOf(sync);
  const proxy = sync.proxy ?? '';
  if (unacknowledged.length > 0) return `${proxy}: ${unacknowledged.join(', ')} not acknowledged`;
  const [version = '', was = ''] = [acknowledged['cluster'], before.get(proxy)];
  // One that connected since has had no earlier version.
  return (was === '' && version !== '') || isNewerPush(version, was)
    ? undefined
    : `${proxy}: no newer push than ${was}`;
}

/** Looks in a row without a push after which a mesh counts as calm, and the milliseconds between them. */
const calmLooks = 3;
const calmEvery = 700;

/**
 * Waits until istiod sends the proxies of a cluster nothing any more.
 *
 * @throws MeshproofError MP701 with what is still sent.
 */
export async function calm(
  { syncs }: ProxyQuestions,
  { cluster, within, signal }: Pick<Holding, 'cluster' | 'within' | 'signal'>,
): Promise<void> {
  let [last, same] = ['', 0];
  await waitFor({
    name: `istiod of ${cluster} sends nothing any more`,
    where: `cluster ${cluster}`,
    within,
    every: calmEvery,
    signal,
    look: async () => {
      const pushes = (await syncs()).map((sync) => ({ proxy: sync.proxy, ...pushesOf(sync) }));
      const outstanding = pushes.filter(({ unacknowledged }) => unacknowledged.length > 0);
      const state = JSON.stringify(pushes.map(({ proxy, versions }) => [proxy, versions]).sort());
      same = state === last && outstanding.length === 0 ? same + 1 : 1;
      last = state;
      if (same >= calmLooks && outstanding.length === 0) return holds(undefined);
      const words = outstanding.map(({ proxy = '', unacknowledged }) => `${proxy}: ${unacknowledged.join(', ')}`);
      return notYet(words.length === 0 ? 'there was another push' : words.join('; '));
    },
    tolerates: (error) => error instanceof MeshproofError && error.code === 'MP702',
  });
}

const activeSchema = z.object({
  configs: z.array(z.looseObject({ cluster: z.looseObject({ name: z.string() }).optional() })).default([]),
});

/** Clusters that are warmed and in use: Envoy lists those that still wait for their endpoints elsewhere. */
async function activeClusters(
  kubectl: string,
  { name: cluster, kubeconfig, context }: ClusterAddress,
  proxy: string,
  pattern: string,
): Promise<ReadonlySet<string>> {
  const dot = proxy.lastIndexOf('.');
  const where = {
    cluster,
    kubeconfig,
    context,
    pod: proxy.slice(0, dot),
    namespace: proxy.slice(dot + 1),
    container: 'istio-proxy',
  };
  const path = `config_dump?resource=dynamic_active_clusters&name_regex=${encodeURIComponent(pattern)}`;
  const { configs } = activeSchema.parse(JSON.parse(await getFromPod(kubectl, where, envoyAdmin, path)));
  return new Set(configs.flatMap(({ cluster: one }) => one?.name ?? []));
}
