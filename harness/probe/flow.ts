import type { AccessLogEntry } from './access-log.ts';
import type { Carried, Proxy } from './proxy.ts';

/** What a proxy sent upstream through one cluster while something ran. */
export interface Moved {
  readonly proxy: string;
  readonly cluster: string;
  readonly before: Carried;
  readonly after: Carried;
}

/** A gateway that is watched: one of its pods, the others beside it, and the cluster whose counters matter. */
export interface Watched {
  readonly proxy: Proxy;
  /** Any of which may carry the traffic as well. */
  readonly beside?: readonly Proxy[];
  readonly cluster: string;
}

/**
 * Runs work while watching the counters of proxies: proof that this very traffic went through them, whatever curl says.
 */
export async function watchFlow<T>(
  watched: readonly Watched[],
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly moved: readonly Moved[] }> {
  const read = (): Promise<Carried[]> =>
    Promise.all(
      watched.map(async ({ proxy, beside = [], cluster }) =>
        sumOf(await Promise.all([proxy, ...beside].map((one) => one.carried(cluster)))),
      ),
    );
  const before = await read();
  const value = await work();
  const after = await read();
  const nothing: Carried = { connections: 0, bytes: 0 };
  const moved = watched.map(({ proxy, cluster }, index) => ({
    proxy: proxy.name,
    cluster,
    before: before[index] ?? nothing,
    after: after[index] ?? nothing,
  }));
  return { value, moved };
}

const sumOf = (all: readonly Carried[]): Carried => ({
  connections: all.reduce((sum, { connections }) => sum + connections, 0),
  bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
});

/** How many of these requests went to which upstream address, by the sidecar's own access log. */
export function upstreamsOf(log: readonly AccessLogEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { upstream_host: host } of log) {
    counts[host ?? 'none'] = (counts[host ?? 'none'] ?? 0) + 1;
  }
  return counts;
}
