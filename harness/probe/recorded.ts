import { readFileSync } from 'node:fs';
import { ConfigDump } from './envoy/config-dump.ts';
import type { CurlExchange } from './curl.ts';

const read = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../fixtures/${path}`, import.meta.url), 'utf8'));

/**
 * A config dump that this project recorded from real proxies in `direct-sidecar`; for unit tests and replay, never for
 * a scenario.
 */
export function recordedDump(
  name: 'sleep' | 'ingress-gateway',
  change: (text: string) => string = (text) => text,
): ConfigDump {
  return ConfigDump.parse(JSON.parse(change(JSON.stringify(read(`config-dumps/${name}.json`)))), `recorded ${name}`);
}

/** The exchange of the same run. */
export const recordedExchange = (): CurlExchange => read('exchanges/headers.json') as CurlExchange;
