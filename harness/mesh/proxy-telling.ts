import { parse } from 'yaml';
import { z } from 'zod';

/** What a proof reads of proxies that a mesh need not have them tell. */
export type Told = 'access log' | 'counters';

const list = z.array(z.string()).default([]);
const meshConfigSchema = z.looseObject({
  accessLogFile: z.string().default(''),
  accessLogEncoding: z.string().default('TEXT'),
  defaultConfig: z
    .looseObject({
      proxyStatsMatcher: z
        .looseObject({ inclusionRegexps: list, inclusionPrefixes: list, inclusionSuffixes: list })
        .default({ inclusionRegexps: [], inclusionPrefixes: [], inclusionSuffixes: [] }),
    })
    .default({ proxyStatsMatcher: { inclusionRegexps: [], inclusionPrefixes: [], inclusionSuffixes: [] } }),
});

/** A counter of the kind that proofs of path read. */
const counter = 'cluster.outbound|8000||httpbin.bar.global.upstream_cx_tx_bytes_total';

/**
 * What of these the proxies of a mesh do not tell, by its configuration, as a sentence: a proof would take silence
 * for traffic that never came.
 *
 * @param meshConfig the text of `mesh` in Istio's ConfigMap
 * @returns undefined when they tell all of it, or the configuration cannot be read
 */
export function untold(reads: readonly Told[], meshConfig: string): string | undefined {
  const parsed = meshConfigSchema.safeParse(parseText(meshConfig));
  if (!parsed.success) return undefined;
  const { accessLogFile, accessLogEncoding, defaultConfig } = parsed.data;
  if (reads.includes('access log') && (accessLogFile === '' || accessLogEncoding !== 'JSON'))
    return (
      'reads the access logs of proxies as JSON, which this mesh does not write (meshConfig.accessLogFile: ' +
      '/dev/stdout, accessLogEncoding: JSON)'
    );
  const { inclusionRegexps, inclusionPrefixes, inclusionSuffixes } = defaultConfig.proxyStatsMatcher;
  const counts =
    inclusionRegexps.some((pattern) => matches(pattern)) ||
    inclusionPrefixes.some((prefix) => counter.startsWith(prefix)) ||
    inclusionSuffixes.some((suffix) => counter.endsWith(suffix));
  return reads.includes('counters') && !counts
    ? 'reads how many bytes each cluster of a proxy sent, which this mesh does not count (meshConfig.defaultConfig.' +
        'proxyStatsMatcher.inclusionRegexps: cluster\\.outbound.*upstream_cx_.*)'
    : undefined;
}

/** Envoy's patterns must fit the whole name. */
function matches(pattern: string): boolean {
  try {
    return new RegExp(`^(${pattern})$`).test(counter);
  } catch {
    // A pattern of Envoy's that this engine does not know may well fit.
    return true;
  }
}

function parseText(text: string): unknown {
  try {
    return parse(text);
  } catch {
    // Whoever wrote it knows what it says.
    return undefined;
  }
}
