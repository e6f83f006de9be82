import type { RefusedCall, Situation } from './situation.ts';

/**
 * The proxy at which a call came to its end, as the access logs have it: the one farthest along the path that did not
 * just hand on what the next one had said (`via_upstream`, Envoy's response code details).
 *
 * @returns "east bar/httpbin-…", or "east istio-system/istio-ingressgateway-… → 10.244.0.12:8080" where it ended behind
 *   a proxy; undefined when no proxy logged an end
 */
export function endedAt({ clusters }: Situation): string | undefined {
  const ends = clusters
    .flatMap(({ refusedCalls }) => refusedCalls)
    .filter(({ details }) => details !== 'via_upstream')
    .sort((left, right) => depth(right) - depth(left));
  const [last] = ends;
  if (last === undefined) return undefined;
  return last.upstreamHost === '' ? last.proxy : `${last.proxy} → ${last.upstreamHost}`;
}

/** How far along the path a proxy stands, by the cluster of its configuration that it sent the call to. */
function depth({ upstreamCluster }: RefusedCall): number {
  if (upstreamCluster.startsWith('inbound|')) return 2;
  return upstreamCluster.startsWith('outbound_.') ? 1 : 0;
}
