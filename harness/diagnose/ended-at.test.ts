import { expect, test } from 'vitest';
import { endedAt } from './ended-at.ts';
import type { ClusterSituation, RefusedCall, Situation } from './situation.ts';

// As proxies logged them while the fault was in.
const sidecar: RefusedCall = {
  proxy: 'west foo/sleep-8495f6c77-x22b8',
  flags: '-',
  details: 'via_upstream',
  code: 403,
  upstreamFailure: '',
  authority: 'httpbin.bar.global:8000',
  upstreamCluster: 'outbound|8000||httpbin.bar.global',
  upstreamHost: '172.17.138.128:15443',
};
const workload: RefusedCall = {
  ...sidecar,
  proxy: 'east bar/httpbin-567d59f99b-652dg',
  details: 'rbac_access_denied_matched_policy[ns[bar]-policy[fault]-rule[0]]',
  upstreamCluster: 'inbound|8080||',
  upstreamHost: '',
};
const gateway: RefusedCall = {
  ...sidecar,
  proxy: 'east istio-system/istio-ingressgateway-f544f446c-964s4',
  flags: 'UR',
  details: '',
  code: 0,
  upstreamCluster: 'outbound_.8000_._.httpbin.bar.global',
  upstreamHost: '10.244.0.12:8080',
};
const seen = (...refusedCalls: RefusedCall[]): Situation => {
  const nothing = { objects: [], events: [], controlPlaneLog: [], trust: [], network: [], unseen: [] };
  const cluster: ClusterSituation = { cluster: 'any', ...nothing, refusedCalls };
  return { at: '2026-11-26T08:00:00.000Z', clusters: [cluster] };
};

test.each([
  ['a policy at the server', [sidecar, workload], { at: workload.proxy }],
  [
    'a server without a sidecar',
    [{ ...sidecar, details: 'reset' }, gateway],
    { at: `${gateway.proxy} → 10.244.0.12:8080` },
  ],
  ['a fault at the client', [{ ...sidecar, details: 'fault_filter_abort', upstreamHost: '' }], { at: sidecar.proxy }],
  [
    'another root at the server',
    [
      {
        ...sidecar,
        details: 'reset',
        upstreamFailure: 'TLS_error:|1:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED',
      },
    ],
    {
      at: `${sidecar.proxy} → ${sidecar.upstreamHost}`,
      tls: 'TLS error:|1:SSL routines:OPENSSL internal:CERTIFICATE VERIFY FAILED',
    },
  ],
  ['nobody logged an end', [sidecar], undefined],
  ['nobody logged anything', [], undefined],
] as const)('where a call ended: %s', (_what, calls, where) => {
  expect(endedAt(seen(...calls))).toEqual(where);
});
