import { MeshproofError } from '../errors/meshproof-error.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import type { ConfigDump } from './envoy/config-dump.ts';
import { brokenHop, describeTrace, type Hop } from './trace.ts';

/** What a control plane has sent to one proxy. */
export interface Pushes {
  /** xDS type → push version, e.g. `cluster` → `2026-08-27T12:45:20Z/17`. */
  readonly versions: Readonly<Record<string, string>>;
  /** The types whose last push the proxy has not acknowledged. */
  readonly unacknowledged: readonly string[];
}

/** What was seen as the barrier opened. */
export interface Passed {
  readonly hops: readonly Hop[];
  /** What istiod sent, all of it acknowledged. */
  readonly sent: Readonly<Record<string, string>>;
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
  /**
   * What the control plane holds and has sent to this proxy, as a text that is the same while nothing changes; undefined while something is
   * under way, or when nobody can tell.
   */
  readonly quiet?: (() => Promise<string | undefined>) | undefined;
}

/** So long must the control plane be quiet, in milliseconds, before a path that is not there counts as one that does not come. */
const quietFor = 5_000;

/**
 * Waits until a proxy *has* a configuration: its dump holds the whole path twice, before and after the control plane says that all it sent
 * was acknowledged; nothing is warming; no push came in between; and the dump is of no other version than what was acknowledged. A rejected
 * push ends the wait at once: time does not mend it.
 *
 * @throws MeshproofError MP701 that says what is missing; MP704 with Envoy's words for a rejection.
 */
export async function barrier({ proxy, dump, pushes, trace, within, quiet }: BarrierOptions): Promise<Passed> {
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
    return { hops, missing, inDump: { cluster: now.versions.clusters, listener: now.versions.listeners } };
  };
  return await waitFor<Passed>({
    name: `${proxy} holds the whole path, as acknowledged`,
    where: proxy,
    within,
    every: 100,
    settled: quiet === undefined ? undefined : unchangedFor(quiet, quietFor),
    look: async () => {
      const { missing } = await look();
      if (missing !== undefined) return notYet(missing);
      const before = await pushes();
      if (before === undefined) return notYet('the proxy is not connected to istiod');
      if (before.unacknowledged.length > 0)
        return notYet(`istiod still waits for the acknowledgement of ${before.unacknowledged.join(', ')}`);
      const again = await look();
      if (again.missing !== undefined) return notYet(again.missing);
      const after = await pushes();
      if (JSON.stringify(after) !== JSON.stringify(before)) return notYet('another push came in between');
      const ahead = Object.entries(again.inDump).find(([type, version]) =>
        isNewer(version, before.versions[type] ?? ''),
      );
      if (ahead !== undefined)
        return notYet(
          `the ${ahead[0]} configuration is of ${ahead[1]}, newer than what istiod knows to be acknowledged`,
        );
      return holds({ hops: again.hops, sent: before.versions, inDump: again.inDump });
    },
  });
}

/**
 * Whether what is read stays the same for so long. Reads about once a second, as it is asked after every look.
 *
 * @param read gives undefined when there is nothing to compare
 * @param milliseconds that it must stay the same
 */
export function unchangedFor(
  read: () => Promise<string | undefined>,
  milliseconds: number,
  now: () => number = () => performance.now(),
): () => Promise<boolean> {
  let [known, since, asked]: [string | undefined, number, number] = [undefined, now(), -Infinity];
  return async () => {
    if (now() - asked < 1_000) return false;
    asked = now();
    const state = await read();
    if (state === undefined || state !== known) {
      known = state;
      since = asked;
      return false;
    }
    return now() - since >= milliseconds;
  };
}

/** Push versions are `<time>/<count>`; the count begins anew when istiod does. One that is missing compares with none. */
function isNewer(version: string, than: string): boolean {
  const [[time = '', count = ''], [otherTime = '', otherCount = '']] = [version.split('/'), than.split('/')] as [
    string[],
    string[],
  ];
  if (time === '' || otherTime === '') return false;
  return time === otherTime ? Number(count) > Number(otherCount) : time > otherTime;
}
