import type { Fault, Injection } from '../fault.ts';
import { envoyFilter, networking, odd, security } from './made.ts';

const ha = 'httpbin.ha.global';
/** An EnvoyFilter that changes the service's cluster in the client's sidecar. */
const patching = (patch: object): Injection => ({
  add: envoyFilter('ha', {
    configPatches: [{ applyTo: 'CLUSTER', match: { context: 'SIDECAR_OUTBOUND', cluster: { service: ha } }, patch }],
  }),
});

/** What keeps a service from failing over, or from coming back. */
export const failoverFaults: readonly Fault[] = [
  {
    id: 'ha-no-priorities',
    breaks: 'an EnvoyFilter takes the service’s cluster away, and with it the priorities of its endpoints',
    at: 'client',
    inject: patching({ operation: 'REMOVE' }),
    cause: ['EnvoyFilter ha/fault'],
    noticedBy: ['high-availability'],
    kills: ['high-availability: prefers-own-region'],
  },
  {
    id: 'ha-some-calls-abort',
    breaks: 'a VirtualService aborts a tenth of the calls',
    at: 'client',
    inject: {
      add: odd(networking, 'VirtualService', 'ha', {
        hosts: [ha],
        http: [
          {
            fault: { abort: { httpStatus: 503, percentage: { value: 10 } } },
            route: [{ destination: { host: ha } }],
          },
        ],
      }),
    },
    cause: ['VirtualService ha/fault'],
    noticedBy: ['high-availability'],
    kills: ['high-availability: served-locally', 'high-availability: survives-control-planes'],
  },
  {
    id: 'ha-peer-denies',
    breaks: 'an AuthorizationPolicy at the peer denies the service’s calls',
    at: 'server',
    inject: { add: odd(security, 'AuthorizationPolicy', 'ha', { action: 'DENY', rules: [{}] }) },
    cause: ['AuthorizationPolicy ha/fault'],
    noticedBy: ['high-availability'],
    kills: ['high-availability: fails-over', 'high-availability: survives-gateway'],
  },
  {
    id: 'ha-never-forgiven',
    breaks: 'an EnvoyFilter keeps an endpoint that failed out for ten minutes',
    at: 'client',
    inject: patching({
      operation: 'MERGE',
      value: { outlier_detection: { base_ejection_time: '600s', max_ejection_time: '600s' } },
    }),
    cause: ['EnvoyFilter ha/fault'],
    noticedBy: ['high-availability'],
    kills: ['high-availability: returns'],
  },
];
