import { seenName, type ProxyTrust } from '../situation.ts';
import type { Explainer, Suspect } from './cause.ts';

const clusterOf = (proxy: string): string => proxy.slice(0, proxy.indexOf(' '));
const domainOf = (identity: string): string => /^spiffe:\/\/([^/]+)\//.exec(identity)?.[1] ?? '';

/** Proxies that cannot believe each other: another root, a certificate out of its time, another trust domain. */
export const trust: Explainer = ({ situation, changes }) => {
  const all = situation.clusters.flatMap((cluster) => cluster.trust);
  const now = Date.parse(situation.at);
  const changed = (object: string): string[] =>
    changes.filter((change) => seenName(change.object) === object).map(({ cluster }) => cluster);
  return [...outOfTime(all, now), ...roots(all, changed(caSecret)), ...domains(all, changed(meshConfig))];
};

const caSecret = 'Secret istio-system/cacerts';
const meshConfig = 'ConfigMap istio-system/istio';

function outOfTime(all: readonly ProxyTrust[], now: number): Suspect[] {
  return all
    .filter(({ notAfter, notBefore }) => Date.parse(notAfter) < now || Date.parse(notBefore) > now + 120_000)
    .map(({ proxy, notAfter, notBefore, issuer }) => ({
      certainty: 3,
      layer: 'trust',
      cluster: clusterOf(proxy),
      object: `certificate of ${proxy}`,
      does:
        `is valid only from ${notBefore} to ${notAfter}, so peers reject it (issued by ` +
        `${issuer.replaceAll('\n', ', ')})`,
      try:
        'Check that istiod signs certificates (its log, the expiry of its CA), compare the clocks of the machines, ' +
        'and restart the workload.',
      seen: [],
    }));
}

/**
 * @param suspected clusters whose CA is not as it was; with two clusters nothing else tells which of them is the odd
 * one
 */
function roots(all: readonly ProxyTrust[], suspected: readonly string[]): Suspect[] {
  const counts = new Map<string, number>();
  for (const { roots: trusted } of all) for (const root of trusted) counts.set(root, (counts.get(root) ?? 0) + 1);
  const shared = [...counts].sort(([, left], [, right]) => right - left)[0]?.[0];
  const others = all.filter(
    ({ roots: trusted }) => trusted.length > 0 && shared !== undefined && !trusted.includes(shared),
  );
  if (others.length === 0) return [];
  const odd = [...new Set(others.map(({ proxy }) => clusterOf(proxy)))];
  return (suspected.length > 0 ? suspected : odd).map((cluster) => ({
    certainty: 3,
    layer: 'trust',
    cluster,
    object: caSecret,
    field: 'data.root-cert.pem',
    does: 'has another root than the one that the other clusters trust, so proxies on both sides reject each other',
    try: 'Give every cluster an intermediate CA from one shared root. Restart istiod, then the workloads.',
    seen: others.map(({ proxy, issuer }) => `${proxy}: issued by ${issuer.replaceAll('\n', ', ')}`).slice(0, 6),
  }));
}

function domains(all: readonly ProxyTrust[], suspected: readonly string[]): Suspect[] {
  const known = [...new Set(all.map(({ identity }) => domainOf(identity)).filter((domain) => domain !== ''))];
  const [first = ''] = known;
  const other =
    all.find(({ identity, proxy }) => domainOf(identity) !== '' && suspected.includes(clusterOf(proxy))) ??
    all.find(({ identity }) => ![first, ''].includes(domainOf(identity)));
  if (known.length < 2) return [];
  return other === undefined
    ? []
    : [
        {
          certainty: 3,
          layer: 'trust',
          cluster: clusterOf(other.proxy),
          object: meshConfig,
          field: 'trustDomain',
          does:
            `issues identities in the trust domain ${domainOf(other.identity)}, but others use ` +
            known.filter((domain) => domain !== domainOf(other.identity)).join(', '),
          try: 'Use one trust domain, or list the others as trustDomainAliases.',
          seen: all.map(({ proxy, identity }) => `${proxy}: ${identity}`).slice(0, 6),
        },
      ];
}
