import { MeshproofError } from '../errors/meshproof-error.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import type { ConfigDump } from './envoy/config-dump.ts';
import { isNewerPush } from './envoy/push-version.ts';
import { brokenHop, describeTrace, type Hop } from './trace.ts';

/** What a control plane has sent to one proxy. */
export interface Pushes {
  /** xDS type → push version, e.g. `cluster` → `2026-08-27T12:45:20Z/17`. */
  readonly versions: Readonly<Record<string, string>>;
  /** xDS type → the last push version that the proxy acknowledged. */
  readonly acknowledged: Readonly<Record<string, string>>;
  /** The types whose last push the proxy has not acknowledged. */
  readonly unacknowledged: readonly string[];
}

/** What was seen as the barrier opened. */
export interface Passed {
  readonly hops: readonly Hop[];
  /** What the proxy had acknowledged. */
  readonly acknowledged: Readonly<Record<string, string>>;
  /** The last versions that changed the proxy's own clusters and listeners. */
  readonly inDump: Readonly<Record<string, string>>;
}

export interface BarrierOptions {
  readonly proxy: string;
  readonly dump: () => Promise<ConfigDump>;
  readonly pushes: () => Promise<Pushes | undefined>;
  readonly trace: (dump: ConfigDump) => Hop[];
  /** Milliseconds. */
  readonly within: number;
  /** Whether all that was applied has reached this proxy, so that what is not there by now does not come. */
  readonly delivered?: (() => Promise<boolean>) | undefined;
  /** What the proxy itself wrote about pushes that it refused since the barrier began, in Envoy's words. */
  readonly refusals?: (() => Promise<readonly string[]>) | undefined;
}

/**
 * Of the looks that miss something, every so many also read what the proxy refused: it is in its log, and no dump shows
 * it for all types.
 */
const looksBetweenRefusals = 5;

/**
 * Waits until a proxy *has* a configuration: its dump holds the whole path twice; nothing of it is warming; and the
 * pushes that the first of both dumps came from are acknowledged. Other pushes do not matter: on a busy fleet they
 * never end. A rejected push of any type ends the wait at once: time does not mend it.
 *
 * @throws MeshproofError MP701 that says what is missing; MP704 with Envoy's words for a rejection.
 */
export async function barrier(options: BarrierOptions): Promise<Passed> {
  const { proxy, dump, pushes, trace, within, delivered, refusals } = options;
  let missed = 0;
  const look = async (): Promise<{
    readonly hops: Hop[];
    readonly missing: string | undefined;
    readonly inDump: Readonly<Record<string, string>>;
  }> => {
    const now = await dump();
    const [rejection] = now.rejections;
    if (rejection !== undefined)
      throw new MeshproofError('MP704', {
        what: `${rejection.resource} was rejected`,
        where: proxy,
        seen: rejection.details,
      });
    const hops = trace(now);
    const missing =
      brokenHop(hops) !== undefined
        ? describeTrace(hops)
        : now.warming.length > 0
          ? `still warming: ${now.warming.join(', ')}`
          : undefined;
    const { clusters: cluster, listeners: listener, routes: route } = now.versions;
    return { hops, missing, inDump: { cluster, listener, route } };
  };
  return await waitFor<Passed>({
    name: `${proxy} holds the whole path, as acknowledged`,
    where: proxy,
    within,
    every: 100,
    settled: delivered,
    look: async () => {
      const { missing, inDump } = await look();
      if (missing !== undefined) {
        missed += 1;
        const [words] = missed % looksBetweenRefusals === 0 ? ((await refusals?.()) ?? []) : [];
        if (words !== undefined)
          throw new MeshproofError('MP704', {
            what: 'the proxy refuses what istiod sends, and the path is not there',
            where: proxy,
            expected: missing,
            seen: words,
          });
        return notYet(missing);
      }
      const known = await pushes();
      if (known === undefined) return notYet('the proxy is not connected to istiod');
      const { versions, acknowledged } = known;
      const ahead = Object.entries(inDump).find(
        ([type, version]) =>
          isNewerPush(version, acknowledged[type] ?? '') ||
          (versions[type] !== undefined && acknowledged[type] === undefined),
      );
      if (ahead !== undefined)
        return notYet(
          `the ${ahead[0]} configuration is of ${ahead[1]}, newer than what istiod knows to be acknowledged ` +
            `(${acknowledged[ahead[0]] ?? 'nothing'})`,
        );
      // Sent after the listeners, and in no dump: an unrelated push that is newer carries them, too.
      const onTheWay = known.unacknowledged.find(
        (type) =>
          !(type in inDump) &&
          (acknowledged[type] === undefined || isNewerPush(newest(Object.values(inDump)), acknowledged[type])),
      );
      if (onTheWay !== undefined) return notYet(`the ${onTheWay} configuration is not acknowledged yet`);
      const again = await look();
      if (again.missing !== undefined) return notYet(again.missing);
      return holds({ hops: again.hops, acknowledged, inDump });
    },
  });
}

/** The newest of several push versions; "" where there is none. */
const newest = (versions: readonly string[]): string =>
  versions.reduce((found, version) => (found === '' || isNewerPush(version, found) ? version : found), '');
