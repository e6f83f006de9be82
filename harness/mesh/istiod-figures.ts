import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { askIstiods } from './istiods.ts';

/** Configuration that was sent: how many answers, and their bytes. */
export interface Sent {
  readonly count: number;
  readonly bytes: number;
}

/** What an istiod has done since it started. */
export interface IstiodFigures {
  readonly cpuSeconds: number;
  /** By the last word of the xDS type's name, e.g. `Cluster`. */
  readonly sent: Readonly<Record<string, Sent>>;
}

/**
 * What all istiods of a cluster have done since they started, by their own metrics.
 *
 * @throws MeshproofError MP702 when one does not tell.
 */
export async function istiodFigures(kubectl: string, cluster: ClusterAddress): Promise<IstiodFigures> {
  const pages = await askIstiods(kubectl, cluster, '/metrics');
  return addFigures(
    pages.map((page) => {
      const figures = figuresOf(page);
      if (figures !== undefined) return figures;
      throw new MeshproofError('MP702', {
        what: 'istiod does not tell its processor time and what it sends',
        where: `cluster ${cluster.name}`,
        expected: 'process_cpu_seconds_total and pilot_xds_config_size_bytes among its metrics',
        seen: page.slice(0, 300),
      });
    }),
  );
}

/** The figures of one istiod in the text that Prometheus reads; undefined when they are not there. */
export function figuresOf(page: string): IstiodFigures | undefined {
  const [cpu] = samplesOf(page, 'process_cpu_seconds_total');
  const sums = samplesOf(page, 'pilot_xds_config_size_bytes_sum');
  const counts = samplesOf(page, 'pilot_xds_config_size_bytes_count');
  if (cpu === undefined || sums.length === 0) return undefined;
  const sent = sums.map(({ type, value: bytes }): [string, Sent] => [
    type.slice(type.lastIndexOf('.') + 1),
    { bytes, count: counts.find((one) => one.type === type)?.value ?? 0 },
  ]);
  return { cpuSeconds: cpu.value, sent: Object.fromEntries(sent) };
}

/** The values of a metric, each with its label `type`. */
function samplesOf(page: string, name: string): { readonly type: string; readonly value: number }[] {
  return page.split('\n').flatMap((line) => {
    if (!line.startsWith(name)) return [];
    const [, labels = '', value] = /^(?:\{(.*)\})? (\S+)/.exec(line.slice(name.length)) ?? [];
    if (value === undefined) return [];
    return [{ type: /(?:^|,)type="([^"]*)"/.exec(labels)?.[1] ?? '', value: Number(value) }];
  });
}

/** The figures of several istiods together. */
export function addFigures(figures: readonly IstiodFigures[]): IstiodFigures {
  const sent: Record<string, Sent> = {};
  for (const [type, { count, bytes }] of figures.flatMap((one) => Object.entries(one.sent))) {
    const before = sent[type] ?? { count: 0, bytes: 0 };
    sent[type] = { count: before.count + count, bytes: before.bytes + bytes };
  }
  return { cpuSeconds: figures.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0), sent };
}

/**
 * What was done between two looks.
 *
 * @returns undefined when an istiod started anew in between: its counters began at nothing again
 */
export function figuresBetween(before: IstiodFigures, after: IstiodFigures): IstiodFigures | undefined {
  const sent = Object.entries(after.sent).map(([type, { count, bytes }]): [string, Sent] => {
    const was = before.sent[type] ?? { count: 0, bytes: 0 };
    return [type, { count: count - was.count, bytes: bytes - was.bytes }];
  });
  const gone = Object.keys(before.sent).some((type) => !(type in after.sent));
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  if (gone || cpuSeconds < 0 || sent.some(([, { count, bytes }]) => count < 0 || bytes < 0)) return undefined;
  return { cpuSeconds, sent: Object.fromEntries(sent.filter(([, { count }]) => count > 0)) };
}
