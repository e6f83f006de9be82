import { percentile } from '../probe/distribution.ts';

/** Configuration that istiods sent while something was changed. */
export interface SentConfig {
  readonly pushes: number;
  readonly bytesPerPush: number;
}

/** What a mesh with so many remote services takes. */
export interface GrowthSize {
  /** Remote services that each cluster knows. */
  readonly services: number;
  /** Until every proxy held all that were new, from the first request to an API server. */
  readonly appliedSeconds: number;
  readonly changes: number;
  /** From the request that changes one service in every cluster until every proxy of the mesh holds it. */
  readonly heldSeconds: { readonly p50: number; readonly p99: number; readonly max: number };
  /** What was sent for all changes together: by the type of the configuration, and `all`. */
  readonly sent: Readonly<Record<string, SentConfig>>;
  /** Of all changes together, by the clock. */
  readonly seconds: number;
  /** Processor time of all istiods during the changes, also for being asked what they sent. */
  readonly istiodCpuSeconds: number;
  /** Processor time of meshproof during the changes. */
  readonly harnessCpuSeconds: number;
  /** Working set of each cluster's nodes after the changes. */
  readonly memoryBytes: Readonly<Record<string, number>>;
}

/** How a mesh grows. */
export interface Growth {
  readonly clusters: readonly string[];
  readonly topology: string;
  /** Proxies that hold each change, of all clusters. */
  readonly proxies: number;
  /** What bringing the clusters and the mesh up took; absent where the run that did it is no longer there. */
  readonly bringUpSeconds?: number;
  /** Working set of each cluster's nodes before anything was added. */
  readonly memoryBytes: Readonly<Record<string, number>>;
  readonly sizes: readonly GrowthSize[];
}

/** What one size took, as it was measured. */
export interface Measured extends Pick<
  GrowthSize,
  'services' | 'appliedSeconds' | 'seconds' | 'istiodCpuSeconds' | 'harnessCpuSeconds' | 'memoryBytes'
> {
  /** Seconds of each change. */
  readonly held: readonly number[];
  /** By type: how many answers istiods sent, and their bytes. */
  readonly sent: Readonly<Record<string, { readonly count: number; readonly bytes: number }>>;
}

/** The figures of one size. */
export function growthSize({ held, sent, ...measured }: Measured): GrowthSize {
  const all = Object.values(sent).reduce(
    (sum, { count, bytes }) => ({ count: sum.count + count, bytes: sum.bytes + bytes }),
    { count: 0, bytes: 0 },
  );
  const perPush = Object.entries({ ...sent, all }).map(([type, { count, bytes }]): [string, SentConfig] => [
    type,
    { pushes: count, bytesPerPush: count === 0 ? 0 : Math.round(bytes / count) },
  ]);
  return {
    services: measured.services,
    appliedSeconds: round(measured.appliedSeconds),
    changes: held.length,
    heldSeconds: {
      p50: round(percentile(held, 0.5)),
      p99: round(percentile(held, 0.99)),
      max: round(Math.max(...held)),
    },
    sent: Object.fromEntries(perPush),
    seconds: round(measured.seconds),
    istiodCpuSeconds: round(measured.istiodCpuSeconds),
    harnessCpuSeconds: round(measured.harnessCpuSeconds),
    memoryBytes: measured.memoryBytes,
  };
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;

/** The figures as a table. */
export function formatGrowth({ clusters, topology, proxies, bringUpSeconds, memoryBytes, sizes }: Growth): string {
  const rows = sizes.map(
    ({ services, appliedSeconds, heldSeconds: { p50, p99 }, sent, changes, ...size }) =>
      `| ${services} | ${appliedSeconds.toFixed(1)} s | ${milliseconds(p50)} | ${milliseconds(p99)} ` +
      `| ${((sent['all']?.pushes ?? 0) / changes).toFixed(1)} | ${kilobytes(sent['all']?.bytesPerPush ?? 0)} ` +
      `| ${perChange(size.istiodCpuSeconds, changes)} | ${perChange(size.harnessCpuSeconds, changes)} ` +
      `| ${megabytes(size.memoryBytes)} |`,
  );
  const [changes = 0] = sizes.map((size) => size.changes);
  return [
    `${clusters.length} clusters (${clusters.join(', ')}), ${topology}, ${proxies} proxies` +
      (bringUpSeconds === undefined ? '' : `; brought up in ${bringUpSeconds.toFixed(1)} s`) +
      `; memory of each cluster before: ${megabytes(memoryBytes)}`,
    `${changes} changes at each size: from the request until every proxy holds it, and what that took each time`,
    '| remote services | all applied | p50 | p99 | pushes | bytes a push | CPU istiod | CPU harness | memory |',
    '| --------------: | ----------: | --: | --: | -----: | -----------: | ---------: | ----------: | -----: |',
    ...rows,
    '',
  ].join('\n');
}

const milliseconds = (seconds: number): string => `${(seconds * 1000).toFixed(0)} ms`;
const perChange = (seconds: number, changes: number): string => milliseconds(seconds / changes);
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
const megabytes = (bytes: Readonly<Record<string, number>>): string =>
  Object.values(bytes)
    .map((one) => `${(one / 2 ** 20).toFixed(0)} MiB`)
    .join(', ');
