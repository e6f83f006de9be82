import type { RefusedCall, Situation } from './situation.ts';

/** Where a call came to its end. */
export interface CallEnd {
  /**
   * "east bar/httpbin-…", or "east istio-system/istio-ingressgateway-… → 10.244.0.12:8080" where it ended behind a
   * proxy.
   */
  readonly at: string;
  /** Envoy's words for a TLS handshake that failed there. */
  readonly tls?: string;
}

/**
 * The proxy at which a call came to its end, as the access logs have it: the one farthest along the path that did not
 * just hand on what the next one had said (`via_upstream`, Envoy's response code details).
 *
 * @returns undefined when no proxy logged an end
 */
export function endedAt({ clusters }: Situation): CallEnd | undefined {
  const ends = clusters
    .flatMap(({ refusedCalls }) => refusedCalls)
    .filter(({ details }) => details !== 'via_upstream')
    .sort((left, right) => depth(right) - depth(left));
  const [last] = ends;
  if (last === undefined) return undefined;
  const at = last.upstreamHost === '' ? last.proxy : `${last.proxy} → ${last.upstreamHost}`;
  const failure = last.upstreamFailure.replaceAll('_', ' ');
  return /TLS error|SSL/.test(failure) ? { at, tls: failure } : { at };
}

/** How far along the path a proxy stands, by the cluster of its configuration that it sent the call to. */
function depth({ upstreamCluster }: RefusedCall): number {
  if (upstreamCluster.startsWith('inbound|')) return 2;
  return upstreamCluster.startsWith('outbound_.') ? 1 : 0;
}
