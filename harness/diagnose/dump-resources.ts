import { createHash } from 'node:crypto';
import { inKeyOrder } from '../probe/envoy/key-order.ts';
import { listIn, recordIn, textIn, valueAt } from './causes/reading.ts';

/**
 * What istiod gave a proxy, as lines that two dumps can be compared by: each cluster, listener, filter chain and
 * virtual host with a hash of its contents. When it was pushed, and in which version, is no part of it, nor are the
 * addresses by which virtual hosts know Services: a mesh that was installed anew has other ones.
 *
 * @param dump the answer of `/config_dump`
 */
export function resourcesOf(dump: unknown): string[] {
  const section = (name: string, field: string): unknown[] => {
    const found = listIn(dump, 'configs').find((one) => textIn(one, '@type').endsWith(`.${name}`));
    return listIn(found, field);
  };
  const clusters = section('ClustersConfigDump', 'dynamic_active_clusters').map((one) => valueAt(one, 'cluster'));
  // Of a listener that is gone, or was never warm, there is no active state.
  const listeners = section('ListenersConfigDump', 'dynamic_listeners').flatMap(
    (one) => valueAt(one, 'active_state.listener') ?? [],
  );
  const routes = section('RoutesConfigDump', 'dynamic_route_configs').map((one) => valueAt(one, 'route_config'));
  return [
    ...clusters.map((one) => line('cluster', textIn(one, 'name'), one)),
    ...listeners.flatMap((one) => {
      const { filter_chains: _chains, ...listener } = recordIn(one);
      const name = textIn(one, 'name');
      return [
        line('listener', name, listener),
        ...listIn(one, 'filter_chains').map((chain) => line('filter chain', `${name} ${matchOf(chain)}`, chain)),
      ];
    }),
    ...routes.flatMap((one) =>
      listIn(one, 'virtual_hosts').map((host) =>
        line('virtual host', `${textIn(one, 'name')} ${textIn(host, 'name')}`, withoutAddresses(host)),
      ),
    ),
  ].sort();
}

const line = (kind: string, name: string, content: unknown): string =>
  `${kind} ${name} ${createHash('sha256')
    .update(JSON.stringify(inKeyOrder(content)))
    .digest('hex')
    .slice(0, 12)}`;

/** By what a filter chain is chosen: its name, or the SNI, where it has one. */
const matchOf = (chain: unknown): string =>
  [textIn(chain, 'name'), ...listIn(chain, 'filter_chain_match.server_names').map(String)].join(' ').trim() || 'any';

const withoutAddresses = (host: unknown): unknown => ({
  ...recordIn(host),
  domains: listIn(host, 'domains')
    .map(String)
    .filter((domain) => !/^\d+(\.\d+){3}(:\d+)?$/.test(domain)),
});
