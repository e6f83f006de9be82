import { endpointName, type ConfigDump } from '../../probe/envoy/config-dump.ts';

/** Turns what differs from one environment to the next, pod hashes, addresses, times, into words that do not. */
export type Normalise = (text: string) => string;

const address = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g;
/**
 * Addresses that mean the same everywhere: unspecified, loopback, link-local, documentation, and class E, which
 * ServiceEntries take, except where istiod allots by itself and in the order in which it met the hosts
 * (240.240.0.0/16).
 */
const telling = /^(0\.0\.0\.0|127\.|169\.254\.|192\.0\.2\.|240\.(?!240\.))/;

/**
 * Names the addresses of one proxy's configuration by what stands behind them: the service whose cluster or listener
 * has the address. Addresses of nobody become `<address>`.
 */
export function normaliserFor(dump: ConfigDump): Normalise {
  const names = new Map<string, string>();
  const [, own = ''] = dump.node.split('~');
  if (own !== '') names.set(own, '<itself>');
  for (const cluster of dump.clusters) {
    const [, host = ''] = /^outbound(?:\||_\.)\d+(?:\||_\.)[^|]*?(?:\||_\.)([^|]+)$/.exec(cluster.name) ?? [];
    if (host === '') continue;
    for (const endpoint of dump.endpointsOf(cluster))
      remember(names, endpointName(endpoint).split(':')[0] ?? '', `<endpoint of ${host}>`);
    const listener = dump.listenerLeadingTo(cluster.name, Number(/\d+/.exec(cluster.name)?.[0]));
    remember(names, listener?.address?.socket_address?.address ?? '', `<${host}>`);
  }
  return (text) =>
    text
      .replaceAll(address, (found) => (telling.test(found) ? found : (names.get(found) ?? '<address>')))
      .replaceAll(/-[a-z0-9]{5,10}-[a-z0-9]{5}(?=[.~/:"\s]|$)/g, '-<pod>')
      .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<id>')
      .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z(?:\/\d+)?/g, '<time>')
      .replaceAll(/\b(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b/g, '<hash>');
}

/** Of several services behind one address the first by name counts, so that the name does not depend on the order. */
function remember(names: Map<string, string>, found: string, name: string): void {
  const known = names.get(found);
  if (known !== '<itself>' && (known === undefined || name < known)) names.set(found, name);
}
