import { describe, expect, test } from 'vitest';
import { recordedDump } from '../probe/recorded.ts';
import { traceGateway, traceOutbound, type Hop } from '../probe/trace.ts';
import { diagnose } from './diagnose.ts';

const host = 'httpbin.bar.global';
const sni = `outbound_.8000_._.${host}`;
const question = {
  host,
  port: 8000,
  address: '240.0.0.2',
  endpoint: '172.17.255.223:15443',
  sni,
  cluster: `outbound|8000||${host}`,
};
const sidecar = 'west foo/sleep-565cd5fbd-tnrqn';
const gateway = 'east istio-system/istio-ingressgateway-f544f446c-v2997';

/** Traces through the real dumps, each broken as a fault would break it. */
const outbound = (change: (text: string) => string = (text) => text, changes: Partial<typeof question> = {}): Hop[] =>
  traceOutbound(recordedDump('sleep', change), sidecar, { ...question, ...changes });
const inbound = (
  changes: Partial<{ port: number; sni: string; endpoint: string }> = {},
  change: (text: string) => string = (text) => text,
): Hop[] => traceGateway(recordedDump('ingress-gateway', change), gateway, { port: 15443, sni, ...changes });

test('a whole path has no diagnosis', () => {
  expect(diagnose([...outbound(), ...inbound()])).toBeUndefined();
});

describe('the first broken hop, its code and its cause', () => {
  test.each([
    ['no listener', outbound(undefined, { address: '240.0.0.99', port: 8999 }), 'MP802', 'listener', 'no listener'],
    [
      'another cluster behind the route',
      outbound(undefined, { cluster: 'outbound|8000|v1|httpbin.bar.global' }),
      'MP803',
      'route',
      'route',
    ],
    [
      'another SNI',
      outbound(undefined, { sni: 'outbound_.8000_._.httpbin.bar.svc.cluster.local' }),
      'MP805',
      'mutual TLS',
      `asks for SNI ${sni}`,
    ],
    [
      'another endpoint',
      outbound(undefined, { endpoint: '172.17.255.99:15443' }),
      'MP806',
      'endpoint',
      'leads to 172.17.255.223:15443 instead',
    ],
    ['a gateway without the port', inbound({ port: 15444 }), 'MP807', 'listener', 'does not listen'],
    [
      'an SNI that the gateway does not know',
      inbound({ sni: 'outbound_.8000_._.httpbin.baz.global' }),
      'MP808',
      'filter chain',
      'the receiving cluster does not declare the .global host',
    ],
    ['another workload', inbound({ endpoint: '10.9.9.9:8080' }), 'MP810', 'workload', 'instead'],
  ] as const)('%s', (_what, hops, code, hop, cause) => {
    expect(diagnose(hops)).toMatchObject({
      code,
      hop: expect.stringMatching(new RegExp(`· ${hop}$`)),
      cause: expect.stringContaining(cause),
    });
  });

  test(
    'what is behind a broken hop says nothing: the sidecar’s breakage comes before the gateway’s, however they ' +
      'were looked at',
    () => {
      const both = [
        ...inbound({ sni: 'outbound_.8000_._.httpbin.baz.global' }),
        ...outbound(undefined, { endpoint: '172.17.255.99:15443' }),
      ];
      expect(diagnose(both)?.code).toBe('MP806');
    },
  );
});
