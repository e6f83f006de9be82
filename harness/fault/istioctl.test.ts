import { expect, test } from 'vitest';
import { opinionsOf, proxies } from './istioctl.ts';

const fault = { at: 'server', cause: ['Gateway istio-system/cross-network'] } as const;
const healthy = {
  analyze: ['east Namespace default: [IST0102] not injected'],
  proxyStatus: ['east a.istio-system SYNCED'],
};
const said = (line: string) => ({ ...healthy, analyze: [...healthy.analyze, line] });

test.each([
  ['the object, on its cluster', said('east Gateway istio-system/cross-network: [IST0101] no such pod'), 'right'],
  ['the object, on another cluster', said('west Gateway istio-system/cross-network: [IST0101] no such pod'), 'wrong'],
  ['another object', said('east Gateway istio-system/other: [IST0101] no such pod'), 'wrong'],
  ['what it says of the healthy mesh', healthy, 'silent'],
] as const)('%s', (_what, now, opinion) => {
  expect(opinionsOf(fault, ['west', 'east'], healthy, now).analyze).toBe(opinion);
});

test('a proxy that is no longer in the list speaks for its Deployment', () => {
  const gone = { cause: ['Deployment istio-system/a'], at: 'server' } as const;
  expect(opinionsOf(gone, ['west', 'east'], healthy, { ...healthy, proxyStatus: [] }).proxyStatus).toBe('right');
});

test('the states of proxies are compared without pods’ hashes and ages', () => {
  const table = (age: string, hash: string): string =>
    `NAME CLUSTER ISTIOD VERSION SUBSCRIBED TYPES\nsleep-5f4d7c6b9-${hash}.foo   west  istiod-6d9c7-x1 1.31  ` +
    `4 (CDS:SYNCED (${age}))\n`;
  expect(proxies(table('3s', 'abcde'))).toEqual(proxies(table('2m', 'fghij')));
});
