import { RemoteSample } from '../../scenario/remote-sample.ts';
import type { Fault, Injection } from '../fault.ts';
import { claimsOf, host, networking, odd } from './made.ts';

const port = 8000;
const to = (subset: string, weight?: number): object => ({
  destination: { host, subset },
  ...(weight === undefined ? {} : { weight }),
});
const asked = (version: string, subset: string): object => ({
  match: [{ headers: { 'x-version': { exact: version } } }],
  route: [to(subset)],
});
/**
 * An older VirtualService for the host.
 *
 * @param v2 the version that the header of v2 leads to
 * @param weight of v1 where no header asks, in percent; v2 has the rest
 */
const routed = (v2: string, weight: number): Injection => ({
  add: odd(networking, 'VirtualService', 'foo', {
    hosts: [host],
    http: [asked('v1', 'v1'), asked('v2', v2), { route: [to('v1', weight), to('v2', 100 - weight)] }],
  }),
});
const mutual = { tls: { mode: 'ISTIO_MUTUAL' } };
const noticedBy = ['version-subsets'];

/** Versions of a remote service that are chosen wrongly, on the client's side or on the server's. */
export const versionFaults: readonly Fault[] = [
  {
    id: 'versions-header-ignored',
    breaks: 'an older VirtualService leads every header to one version',
    at: 'client',
    inject: routed('v1', 80),
    cause: ['VirtualService foo/fault'],
    noticedBy,
    kills: ['version-subsets: header-picks'],
  },
  {
    id: 'versions-other-weights',
    breaks: 'an older VirtualService weighs the versions 20 to 80',
    at: 'client',
    inject: routed('v2', 20),
    cause: ['VirtualService foo/fault'],
    noticedBy,
    kills: ['version-subsets: weighted', 'version-subsets: subset-clusters'],
  },
  {
    id: 'versions-slightly-other-weights',
    breaks: 'an older VirtualService weighs the versions 90 to 10, which calls tell in one run of ten only',
    at: 'client',
    inject: routed('v2', 90),
    cause: ['VirtualService foo/fault'],
    noticedBy,
    kills: ['version-subsets: subset-clusters'],
  },
  {
    id: 'versions-subset-without-endpoints',
    breaks: 'an older DestinationRule gives a subset labels that no endpoint has',
    at: 'client',
    inject: {
      add: odd(networking, 'DestinationRule', 'foo', {
        host,
        trafficPolicy: mutual,
        subsets: [{ name: 'v2', labels: { cluster: 'nobody' } }],
      }),
    },
    cause: ['DestinationRule foo/fault'],
    noticedBy,
    kills: ['version-subsets: header-picks', 'version-subsets: subset-clusters'],
  },
  {
    id: 'versions-labels-ignored',
    breaks: 'an older DestinationRule fills the subset of one version with every endpoint, whatever its labels',
    at: 'client',
    inject: {
      add: odd(networking, 'DestinationRule', 'foo', { host, trafficPolicy: mutual, subsets: [{ name: 'v2' }] }),
    },
    cause: ['DestinationRule foo/fault'],
    noticedBy,
    kills: ['version-subsets: subset-clusters'],
  },
  {
    id: 'versions-one-sni-for-both',
    breaks: 'an older DestinationRule calls one version under the SNI of the other',
    at: 'client',
    inject: {
      add: odd(networking, 'DestinationRule', 'foo', {
        host,
        trafficPolicy: mutual,
        subsets: [
          {
            name: 'v2',
            labels: { cluster: 'cluster2' },
            trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni: `outbound_.${port}_.v1_.${host}` } },
          },
        ],
      }),
    },
    cause: ['DestinationRule foo/fault'],
    noticedBy,
    kills: claimsOf('version-subsets', 'header-picks', 'subset-clusters', 'passed-gateway'),
  },
  {
    id: 'versions-chain-to-the-other',
    breaks: 'an older DestinationRule at the server fills the subset of one version with the pods of the other',
    at: 'server',
    inject: {
      add: odd(networking, 'DestinationRule', 'bar', {
        host,
        trafficPolicy: mutual,
        subsets: [{ name: 'v2', labels: { version: 'v1' } }],
      }),
    },
    cause: ['DestinationRule bar/fault'],
    noticedBy,
    kills: ['version-subsets: header-picks', 'version-subsets: subset-chains'],
  },
];

const routing = new RemoteSample('version-routing');
const near = routing.namespaces.client;
const local = { destination: { host: `httpbin.${near}.svc.cluster.local` } };
const remote = (subset: string): object => ({ destination: { host: routing.service.host, subset } });
/**
 * An older VirtualService of the local name.
 *
 * @param share of the remote v3 where no route before it applies, in percent; the local version has the rest
 */
const localRule = (share: number, ...before: readonly object[]): Injection => {
  const split = [
    { ...remote('v3'), weight: share },
    { ...local, weight: 100 - share },
  ];
  return {
    add: odd(networking, 'VirtualService', near, {
      hosts: [local.destination.host],
      http: [...before, { route: split }],
    }),
  };
};
const user = (exact: string): object => ({ match: [{ headers: { 'end-user': { exact } } }] });

/** The same of a local name whose versions live here and there. */
export const routingFaults: readonly Fault[] = [
  {
    id: 'routing-header-elsewhere',
    breaks: 'an older VirtualService of the local name leads the header to another remote version',
    at: 'client',
    inject: localRule(50, { ...user('jason'), route: [remote('v3')] }, { ...user('jasmine'), route: [remote('v2')] }),
    cause: [`VirtualService ${near}/fault`],
    noticedBy: ['version-routing'],
    kills: claimsOf('version-routing', 'header-remote', 'passed-gateway'),
  },
  {
    id: 'routing-stays-local',
    breaks: 'an older VirtualService of the local name keeps nine calls of ten at home',
    at: 'client',
    inject: localRule(10, { ...user('jason'), route: [remote('v2')] }),
    cause: [`VirtualService ${near}/fault`],
    noticedBy: ['version-routing'],
    kills: claimsOf('version-routing', 'halves', 'route'),
  },
];
