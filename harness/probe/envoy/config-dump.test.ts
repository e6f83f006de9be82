import { describe, expect, test } from 'vitest';
import { recordedDump } from '../recorded.ts';
import { clustersOf, ConfigDump, endpointName, tcpClusterOf } from './config-dump.ts';

const sni = 'outbound_.8000_._.httpbin.bar.global';
const outbound = 'outbound|8000||httpbin.bar.global';

describe('the sidecar of sleep', () => {
  const dump = recordedDump('sleep');

  test('leads 240.0.0.2:8000 through the wildcard listener of the port', () => {
    expect(dump.listenerFor('240.0.0.2', 8000)?.name).toBe('0.0.0.0_8000');
    expect(dump.listenerFor('240.0.0.2', 8001)).toBeUndefined();
  });

  test('routes the host to its outbound cluster', () => {
    const listener = dump.listenerFor('240.0.0.2', 8000);
    const routes = listener === undefined ? undefined : dump.routeConfigOf(listener);
    const virtualHost = routes === undefined ? undefined : dump.virtualHostFor(routes, 'httpbin.bar.global');
    expect(virtualHost?.name).toBe('httpbin.bar.global:8000');
    expect(virtualHost === undefined ? [] : clustersOf(virtualHost)).toEqual([outbound]);
  });

  test('an unknown host falls to the catch-all virtual host', () => {
    const listener = dump.listenerFor('240.0.0.2', 8000);
    const routes = listener === undefined ? undefined : dump.routeConfigOf(listener);
    expect(routes === undefined ? undefined : dump.virtualHostFor(routes, 'nobody.example')?.name).toBe('allow_any');
  });

  test('starts mutual TLS with the SNI of the .global host towards the gateway', () => {
    const cluster = dump.cluster(outbound);
    expect(cluster).toBeDefined();
    if (cluster === undefined) return;
    expect(dump.upstreamTls(cluster)).toMatchObject({ sni, presents: ['default'], trusts: 'ROOTCA' });
    expect(dump.endpointsOf(cluster).map(endpointName)).toEqual(['172.17.255.223:15443']);
  });

  test('carries a certificate chain up to the shared root', () => {
    const [leaf, intermediate] = dump.certificatesOf('default');
    const [root] = dump.certificatesOf('ROOTCA');
    expect(leaf?.identities).toEqual(['spiffe://cluster.local/ns/foo/sa/sleep']);
    expect(leaf?.issuer).toBe(intermediate?.subject);
    expect(intermediate?.issuer).toBe(root?.subject);
    expect(dump.certificatesOf('nothing')).toEqual([]);
  });

  test('has nothing warming and nothing rejected', () => {
    expect(dump.warming).toEqual([]);
    expect(dump.rejections).toEqual([]);
  });
});

describe('the ingress gateway of the peer', () => {
  const dump = recordedDump('ingress-gateway');

  test('has one filter chain for the SNI, which leads to the cluster of that name', () => {
    const chain = dump.filterChainFor(15443, sni);
    expect(chain?.filter_chain_match?.server_names).toEqual([sni]);
    expect(chain?.filter_chain_match?.application_protocols).toContain('istio');
    expect(chain === undefined ? undefined : tcpClusterOf(chain)).toBe(sni);
  });

  test('passes TLS through: neither the chain nor the cluster has a transport socket', () => {
    expect(dump.filterChainFor(15443, sni)?.transport_socket).toBeUndefined();
    const cluster = dump.cluster(sni);
    expect(cluster === undefined ? 'no cluster' : dump.upstreamTls(cluster)).toBeUndefined();
  });

  test('does not answer to a service that does not exist', () => {
    expect(dump.filterChainFor(15443, 'outbound_.8000_._.nobody.bar.global')).toBeUndefined();
  });
});

describe('a dump that is not understood', () => {
  test('names the section and the path', () => {
    const broken = {
      configs: [
        { '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump', dynamic_listeners: [{ name: 7 }] },
      ],
    };
    expect(() => ConfigDump.parse(broken, 'here')).toThrow(
      expect.objectContaining({
        code: 'MP703',
        details: expect.objectContaining({ where: 'here', seen: 'at dynamic_listeners.0.name' }),
      }),
    );
  });

  test('misses a section', () => {
    expect(() => ConfigDump.parse({ configs: [] }, 'here')).toThrow(expect.objectContaining({ code: 'MP703' }));
  });

  test('tells a rejected listener with Envoy’s words', () => {
    const dump = recordedDump('sleep', (text) =>
      text.replace(
        '"name":"0.0.0.0_8000","active_state"',
        '"name":"0.0.0.0_8000","error_state":{"details":"duplicate filter chain"},"active_state"',
      ),
    );
    expect(dump.rejections).toEqual([{ resource: 'listener 0.0.0.0_8000', details: 'duplicate filter chain' }]);
  });
});
