import { describe, expect, test } from 'vitest';
import { topologyNames } from './names.ts';
import { topologyNamed } from './registry.ts';

const options = { cluster: 'west', hub: 'istio', tag: '1.31.0', envoy: 'istio' } as const;
const operatorOf = (name: (typeof topologyNames)[number]): string =>
  JSON.stringify(topologyNamed(name).operator(options));
const port = { name: 'http', number: 8000, protocol: 'HTTP' } as const;
const service = { host: 'httpbin.bar.global', address: '240.0.0.2', port };
const sni = 'outbound_.8000_._.httpbin.bar.global';

describe.each(topologyNames)('%s', (name) => {
  const topology = topologyNamed(name);

  test('installs every gateway that it says it has', () => {
    for (const gateway of topology.gateways) expect(operatorOf(name)).toContain(`{"name":"${gateway}","enabled":true`);
  });

  test('names the gateway that peers call, and its egress gateway, among them', () => {
    const { gateways, ingressGateway, egressGateway = ingressGateway } = topology;
    expect(gateways).toEqual([...new Set([ingressGateway, egressGateway])]);
  });

  test('leads a call from the client’s sidecar to the peer’s gateway, under one SNI', () => {
    const path = topology.path({ service, endpoint: '172.18.0.9:15443', gateway: { port: 15_443 } });
    expect(path.map(({ at }) => at)).toEqual(['client', 'gateway']);
    expect(path.map(({ question }) => question.sni)).toEqual([sni, sni]);
  });

  test('puts an egress gateway between them, with what it connects to', () => {
    const via = { port: 15_443, endpoint: '172.18.0.9:15443' };
    const path = topology.path({ service, endpoint: '10.0.0.7:15443', gateway: { port: 15_443 }, via });
    expect(path[0]).toMatchObject({ at: 'client', question: { endpoint: '10.0.0.7:15443' } });
    expect(path[1]).toEqual({ at: 'egress gateway', question: { port: 15_443, sni, endpoint: '172.18.0.9:15443' } });
  });
});

test('on several networks pods, gateways and the system namespace are each told where they are', () => {
  expect(topologyNamed('multi-primary').systemLabels('west')).toEqual({ 'topology.istio.io/network': 'net-west' });
  const operator = operatorOf('multi-primary');
  expect(operator).toContain('"network":"net-west"');
  for (const variable of ['ISTIO_META_NETWORK', 'ISTIO_META_REQUESTED_NETWORK_VIEW'])
    expect(operator).toContain(`{"name":"${variable}","value":"net-west"}`);
  expect(operatorOf('replicated')).not.toContain('net-west');
});
