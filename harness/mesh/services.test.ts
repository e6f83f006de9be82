import { expect, test } from 'vitest';
import { exposedService, outboundCluster, outboundSni, remoteService } from './services.ts';
import { unacknowledged } from './readiness.ts';

test('the client side is the walkthrough’s ServiceEntry, word for word', () => {
  const entry = remoteService({
    host: 'httpbin.bar.global',
    namespace: 'foo',
    name: 'httpbin-bar',
    address: '240.0.0.2',
    port: { name: 'http1', number: 8000, protocol: 'HTTP' },
    endpoints: [{ address: '172.17.255.223' }],
  });
  expect(entry).toEqual({
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: 'httpbin-bar', namespace: 'foo' },
    spec: {
      hosts: ['httpbin.bar.global'],
      location: 'MESH_INTERNAL',
      ports: [{ name: 'http1', number: 8000, protocol: 'HTTP' }],
      resolution: 'DNS',
      addresses: ['240.0.0.2'],
      endpoints: [{ address: '172.17.255.223', ports: { http1: 15443 } }],
    },
  });
});

test('the receiving side selects workloads, so that its endpoints count as mesh members', () => {
  const entry = exposedService({
    host: 'a.b.global',
    namespace: 'b',
    name: 'a',
    port: { name: 'http1', number: 8000, protocol: 'HTTP', targetPort: 8080 },
    selector: { app: 'a' },
  });
  expect(entry['spec']).toMatchObject({ resolution: 'STATIC', workloadSelector: { labels: { app: 'a' } } });
});

test('cluster names and SNIs follow Istio’s BuildSubsetKey and BuildDNSSrvSubsetKey', () => {
  expect(outboundCluster('a.b.global', 80, 'v1')).toBe('outbound|80|v1|a.b.global');
  expect(outboundSni('a.b.global', 80)).toBe('outbound_.80_._.a.b.global');
  expect(outboundSni('a.b.global', 80, 'v1')).toBe('outbound_.80_.v1_.a.b.global');
});

test('a proxy lags in the types whose last push it has not acknowledged', () => {
  expect(
    unacknowledged({ proxy: 'p', cluster_sent: 'a', cluster_acked: 'a', listener_sent: 'b', listener_acked: 'a' }),
  ).toEqual(['listener']);
  expect(unacknowledged({ proxy: 'p' })).toEqual([]);
  const names = 'type.googleapis.com/istio.networking.nds.v1.NameTable';
  expect(unacknowledged({ proxy: 'p', resources: { [names]: { sent: 'b', acked: 'a' } } })).toEqual(['name table']);
  expect(unacknowledged({ proxy: 'p', resources: { [names]: { sent: 'a', acked: 'a' } } })).toEqual([]);
});
