import { describe, expect, test } from 'vitest';
import { recordedDump } from './recorded.ts';
import { brokenHop, describeTrace, nearestTo, traceGateway, traceOutbound, type OutboundQuestion } from './trace.ts';

const sni = 'outbound_.8000_._.httpbin.bar.global';
const question: OutboundQuestion = {
  host: 'httpbin.bar.global',
  port: 8000,
  address: '240.0.0.2',
  endpoint: '172.17.255.223:15443',
  sni,
  cluster: 'outbound|8000||httpbin.bar.global',
};

describe('the path out of the client', () => {
  test('holds on the recorded dump, hop by hop', () => {
    const hops = traceOutbound(recordedDump('sleep'), 'sleep', question);
    expect(hops.map(({ hop }) => hop)).toEqual(['listener', 'route', 'cluster', 'mutual TLS', 'endpoint']);
    expect(brokenHop(hops)).toBeUndefined();
  });

  test('one more endpoint beside the gateway breaks at the endpoint: it would get a share of the calls', () => {
    const one = '{"endpoint":{"address":{"socket_address":{"address":"172.17.255.223","port_value":15443}}}';
    const other = one.replace('172.17.255.223', '192.0.2.78');
    const dump = recordedDump('sleep', (text) => text.replaceAll(one, `${other}},${one}`));
    expect(brokenHop(traceOutbound(dump, 'sleep', question))).toMatchObject({
      hop: 'endpoint',
      expected: '172.17.255.223:15443 and nobody else',
      nearest: ['172.17.255.223:15443', '192.0.2.78:15443'],
    });
  });

  // Each is one change to the real dump; the first hop that lost something must be named.
  test.each([
    ['listener', (text: string) => text.replaceAll('"port_value":8000', '"port_value":8001')],
    ['route', (text: string) => text.replaceAll('"httpbin.bar.global"', '"elsewhere.bar.global"')],
    [
      'cluster',
      (text: string) =>
        text.replaceAll('"name":"outbound|8000||httpbin.bar.global"', '"name":"outbound|8000||httpbin.bar.globul"'),
    ],
    [
      'mutual TLS',
      (text: string) => text.replaceAll(`"sni":"${sni}"`, '"sni":"outbound_.8000_._.httpbin.bar.svc.cluster.local"'),
    ],
    ['endpoint', (text: string) => text.replaceAll('"port_value":15443', '"port_value":8000')],
  ])('breaks at the %s', (hop, change) => {
    const broken = brokenHop(traceOutbound(recordedDump('sleep', change), 'sleep', question));
    expect(broken?.hop).toBe(hop);
    expect(broken?.nearest.length).toBeGreaterThan(0);
  });
});

describe('the path through the peer’s gateway', () => {
  test('holds on the recorded dump', () => {
    expect(brokenHop(traceGateway(recordedDump('ingress-gateway'), 'gateway', { port: 15443, sni }))).toBeUndefined();
  });

  test('breaks at the filter chain for an unknown SNI and names the nearest', () => {
    const broken = brokenHop(
      traceGateway(recordedDump('ingress-gateway'), 'gateway', {
        port: 15443,
        sni: 'outbound_.8000_.v1_.httpbin.bar.global',
      }),
    );
    expect(broken).toMatchObject({ hop: 'filter chain' });
    expect(broken?.nearest[0]).toBe(sni);
  });

  test('breaks at the workload when no endpoint is healthy', () => {
    const dump = recordedDump('ingress-gateway', (text) =>
      text.replaceAll('"health_status":"HEALTHY"', '"health_status":"UNHEALTHY"'),
    );
    const hops = traceGateway(dump, 'gateway', { port: 15443, sni });
    expect(brokenHop(hops)?.hop).toBe('workload');
    expect(describeTrace(hops)).toContain('UNHEALTHY');
  });

  test('breaks at the listener on a port nobody listens on', () => {
    expect(brokenHop(traceGateway(recordedDump('ingress-gateway'), 'gateway', { port: 15444, sni }))?.hop).toBe(
      'listener',
    );
  });
});

test('the nearest candidates come first', () => {
  expect(nearestTo('httpbin.bar.global', ['kubernetes.default', 'httpbin.bar.svc', 'sleep.foo'])[0]).toBe(
    'httpbin.bar.svc',
  );
});

describe('a hop is no more than its proof', () => {
  const gateway = (change: (text: string) => string): ReturnType<typeof traceGateway> =>
    traceGateway(recordedDump('ingress-gateway', change), 'gateway', { port: 15443, sni });

  test('a filter chain that matches the SNI and leads to another service breaks at the SNI cluster', () => {
    const hops = gateway((text) =>
      text.replaceAll(`"cluster":"${sni}"`, '"cluster":"outbound_.8000_._.ledger.bar.internal"'),
    );
    expect(brokenHop(hops)).toMatchObject({
      hop: 'SNI cluster',
      nearest: ['the chain leads to outbound_.8000_._.ledger.bar.internal'],
    });
  });

  test('one more endpoint beside the workload breaks at the workload', () => {
    const dump = recordedDump('ingress-gateway');
    const cluster = dump.cluster(sni);
    const [endpoint] = cluster === undefined ? [] : dump.endpointsOf(cluster);
    const name = `${endpoint?.address ?? ''}:${endpoint?.port ?? 0}`;
    expect(brokenHop(traceGateway(dump, 'gateway', { port: 15443, sni, endpoint: name }))).toBeUndefined();
    expect(brokenHop(traceGateway(dump, 'gateway', { port: 15443, sni, endpoint: '10.9.9.9:8080' }))?.hop).toBe(
      'workload',
    );
  });

  test('TLS that trusts nothing is not mutual', () => {
    const dump = recordedDump('sleep', (text) => text.replaceAll('"name":"ROOTCA"', '"name":"other"'));
    expect(
      brokenHop(
        traceOutbound(dump, 'sleep', {
          host: 'httpbin.bar.global',
          port: 8000,
          sni,
          cluster: 'outbound|8000||httpbin.bar.global',
        }),
      ),
    ).toMatchObject({
      hop: 'mutual TLS',
      nearest: [expect.stringContaining('trusts other')],
    });
  });

  test('an endpoint without the label is called in plain text, however ready the cluster is', () => {
    const dump = recordedDump('sleep');
    const local = dump.cluster('outbound|443||kubernetes.default.svc.cluster.local');
    expect(local?.transport_socket_matches?.map(({ name }) => name)).toContain('tlsMode-istio');
    expect(local === undefined ? 'no cluster' : dump.upstreamTls(local)).toBeUndefined();
  });
});
