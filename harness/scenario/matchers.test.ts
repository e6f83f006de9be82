import { beforeAll, describe, expect, test } from 'vitest';
import { recordedDump } from '../probe/recorded.ts';
import { convergingMatchers, meshMatchers } from './matchers.ts';

beforeAll(() => {
  expect.extend({ ...meshMatchers, ...convergingMatchers });
});

const sleep = recordedDump('sleep');
const gateway = recordedDump('ingress-gateway');
const cluster = 'outbound|8000||httpbin.bar.global';

describe('what a matcher says when it does not hold', () => {
  test.each([
    [
      'the clusters that come nearest',
      () => {
        expect(sleep).toHaveCluster('outbound|8000||httpbin.baz.global');
      },
      /nearest: outbound\|8000\|\|httpbin\.bar\.global/,
    ],
    [
      'the nearest cluster, when its endpoints are asked for',
      () => {
        expect(sleep).toHaveEndpoints('outbound|8001||httpbin.bar.global', []);
      },
      /no cluster .*nearest: outbound\|8000/,
    ],
    [
      'both lists of endpoints',
      () => {
        expect(sleep).toHaveEndpoints(cluster, ['10.0.0.1:15443']);
      },
      /expected {2}10\.0\.0\.1:15443\n {2}seen {6}172\.17\.255\.223:15443/,
    ],
    [
      'the SNIs that come nearest',
      () => {
        expect(gateway).toHaveFilterChain(15443, 'outbound_.8000_._.httpbin.baz.global');
      },
      /does not answer to SNI .*nearest: outbound_\.8000_\._\.httpbin\.bar\.global/,
    ],
    [
      'which listeners there are',
      () => {
        expect(gateway).toListenOn(443, 8443);
      },
      /nothing listens on 443, 8443; there are .*0\.0\.0\.0_15443/,
    ],
    [
      'what a name resolves to',
      () => {
        expect(['240.0.0.3']).toResolveTo(['240.0.0.2']);
      },
      /resolve to 240\.0\.0\.2, it resolves to 240\.0\.0\.3/,
    ],
    [
      'each line that is new or gone',
      () => {
        expect(sleep).toHaveInventory(['route nowhere']);
      },
      /\+ cluster [\s\S]*/,
    ],
  ])('%s', (_what, judge, message) => {
    expect(judge).toThrow(message);
  });
});

describe('the same for a probe, over time', () => {
  test('eventually: holds once it has come, three times in a row', async () => {
    let looks = 0;
    const probe = (): string[] => (++looks < 3 ? [] : ['240.0.0.2']);
    await expect(probe).toEventuallyResolveTo(['240.0.0.2']);
    expect(looks).toBe(5);
  });

  test('never: refuted by a single sight, with what was seen', async () => {
    let looks = 0;
    const probe = (): typeof gateway => (++looks === 2 ? gateway : sleep);
    await expect(
      expect(probe).not.toEverHaveFilterChain(15443, 'outbound_.8000_._.httpbin.bar.global'),
    ).rejects.toThrow(/look 2, [\d.]+ s into a window/);
    await expect(() => sleep).not.toEverHaveFilterChain(15443, 'outbound_.8000_._.httpbin.bar.global');
  });

  test('always: through the window', async () => {
    await expect(() => Promise.resolve(sleep)).toAlwaysHaveEndpoints(cluster, ['172.17.255.223:15443']);
  });
});

test('traffic is as much as the requests take: a byte of somebody else is none of theirs', () => {
  const moved = (bytes: number): Parameters<typeof meshMatchers.toHaveCarriedTraffic>[0] => [
    {
      proxy: 'east istio-system/istio-ingressgateway-1',
      cluster,
      before: { connections: 1, bytes: 7 },
      after: { connections: 1, bytes: 7 + bytes },
    },
  ];
  expect(moved(2_300)).toHaveCarriedTraffic(10);
  expect(() => {
    expect(moved(1)).toHaveCarriedTraffic();
  }).toThrow(/less traffic than that of 1 requests moved/);
  expect(() => {
    expect(moved(0)).toHaveCarriedTraffic(10);
  }).toThrow(/no traffic moved through east/);
  expect(() => {
    expect([]).toHaveCarriedTraffic();
  }).toThrow();
});
