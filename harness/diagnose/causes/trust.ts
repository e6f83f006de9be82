import type { ProxyTrust } from '../situation.ts';
import type { Explainer, Suspect } from './cause.ts';

const clusterOf = (proxy: string): string => proxy.slice(0, proxy.indexOf(' '));
const domainOf = (identity: string): string => /^spiffe:\/\/([^/]+)\//.exec(identity)?.[1] ?? '';

/** Proxies that cannot believe each other: another root, a certificate out of its time, another trust domain. */
export const trust: Explainer = ({ situation }) => {
  const all = situation.clusters.flatMap((cluster) => cluster.trust);
  const now = Date.parse(situation.at);
  return [...outOfTime(all, now), ...roots(all), ...domains(all)];
};

function outOfTime(all: readonly ProxyTrust[], now: number): Suspect[] {
  return all
    .filter(({ notAfter, notBefore }) => Date.parse(notAfter) < now || Date.parse(notBefore) > now + 120_000)
    .map(({ proxy, notAfter, notBefore, issuer }) => ({
      certainty: 3,
      layer: 'trust',
      cluster: clusterOf(proxy),
      object: `certificate of ${proxy}`,
      does: `is valid from ${notBefore} to ${notAfter} only, so peers refuse it (issued by ${issuer.replaceAll('\n', ', ')})`,
      try: 'See that istiod signs (its log, its CA’s own expiry), compare the machines’ clocks, and restart the workload.',
      seen: [],
    }));
}

function roots(all: readonly ProxyTrust[]): Suspect[] {
  const counts = new Map<string, number>();
  for (const { roots: trusted } of all) for (const root of trusted) counts.set(root, (counts.get(root) ?? 0) + 1);
  const shared = [...counts].sort(([, left], [, right]) => right - left)[0]?.[0];
  const others = all.filter(
    ({ roots: trusted }) => trusted.length > 0 && shared !== undefined && !trusted.includes(shared),
  );
  return [...new Set(others.map(({ proxy }) => clusterOf(proxy)))].map((cluster) => ({
    certainty: 3,
    layer: 'trust',
    cluster,
    object: 'Secret istio-system/cacerts',
    field: 'data.root-cert.pem',
    does: 'belongs to another root than the other clusters trust: proxies of this cluster and theirs refuse each other',
    try: 'Give every cluster an intermediate CA of one root, restart istiod, then the workloads.',
    seen: others.map(({ proxy, issuer }) => `${proxy}: issued by ${issuer.replaceAll('\n', ', ')}`).slice(0, 6),
  }));
}

function domains(all: readonly ProxyTrust[]): Suspect[] {
  const known = [...new Set(all.map(({ identity }) => domainOf(identity)).filter((domain) => domain !== ''))];
  const [first = ''] = known;
  const other = all.find(({ identity }) => ![first, ''].includes(domainOf(identity)));
  return other === undefined
    ? []
    : [
        {
          certainty: 3,
          layer: 'trust',
          cluster: clusterOf(other.proxy),
          object: 'ConfigMap istio-system/istio',
          field: 'trustDomain',
          does: `gives identities of the trust domain ${domainOf(other.identity)}, while the other clusters have ${first}`,
          try: 'Use one trust domain, or name the others as trustDomainAliases.',
          seen: all.map(({ proxy, identity }) => `${proxy}: ${identity}`).slice(0, 6),
        },
      ];
}
