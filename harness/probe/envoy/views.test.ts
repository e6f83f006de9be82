import { expect, test } from 'vitest';
import { recordedDump } from '../recorded.ts';
import { viewOf } from './views.ts';

const sni = 'outbound_.8000_._.httpbin.bar.global';

test('a sidecar: the host’s route, cluster with SNI, endpoint and certificate chain, as rows', () => {
  const view = viewOf(recordedDump('sleep'));
  expect(view.listeners).toContainEqual(
    expect.objectContaining({ listener: '0.0.0.0_8000', at: '0.0.0.0:8000', to: 'route 8000' }),
  );
  expect(view.routes).toContainEqual({
    config: '8000',
    domains: expect.arrayContaining(['httpbin.bar.global', '240.0.0.2']),
    match: '/*',
    to: 'outbound|8000||httpbin.bar.global',
  });
  expect(view.clusters).toContainEqual({
    cluster: 'outbound|8000||httpbin.bar.global',
    type: 'STRICT_DNS',
    sni,
    transport: 'mutual TLS',
    endpoints: 1,
  });
  expect(view.endpoints).toContainEqual({
    cluster: 'outbound|8000||httpbin.bar.global',
    endpoint: '172.17.255.223:15443',
    health: 'HEALTHY',
    priority: 0,
  });
  expect(view.secrets.find(({ secret }) => secret === 'default')?.chain[0]?.identities).toEqual([
    'spiffe://cluster.local/ns/foo/sa/sleep',
  ]);
  expect([view.warming, view.rejections]).toEqual([[], []]);
});

test('a gateway: each SNI with the cluster that it leads to', () => {
  const view = viewOf(recordedDump('ingress-gateway'));
  expect(view.listeners.find(({ serverNames }) => serverNames.includes(sni))).toMatchObject({
    at: '0.0.0.0:15443',
    protocols: expect.arrayContaining(['istio']),
    to: `cluster ${sni}`,
  });
});
