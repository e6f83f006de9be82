import { MeshproofError } from '../errors/meshproof-error.ts';
import { ask } from '../tape/tape.ts';
import type { CaCerts } from './ca-certs.ts';

/**
 * Makes a root CA and, from it, one intermediate for each cluster (walkthrough: "Deploy the Istio control plane in each
 * cluster"). The root's private key is used once and forgotten.
 *
 * @param days validity of the intermediates; the root lives five times as long.
 */
export async function issueAuthorities(clusters: readonly string[], days = 730): Promise<Record<string, CaCerts>> {
  const issue = async (): Promise<Record<string, CaCerts>> => {
    const { issueAuthorities: issueNow } = await import('./certificates.ts');
    return await issueNow(clusters, days);
  };
  return await ask(`CAs for ${clusters.join(', ')}`, issue, {
    keep: (issued) => mapValues(issued, (files) => mapValues({ ...files }, () => '')),
  });
}

/**
 * Issues a workload's certificate from a CA that meshproof made, as istiod would: a client of a foreign root is made
 * with this.
 *
 * @param identity SPIFFE identity, e.g. `spiffe://cluster.local/ns/foo/sa/sleep`
 */
export async function issueWorkload(
  authority: CaCerts,
  identity: string,
): Promise<{ readonly chain: string; readonly key: string }> {
  const issue = async (): Promise<{ readonly chain: string; readonly key: string }> => {
    const { issueWorkload: issueNow } = await import('./certificates.ts');
    return await issueNow(authority, identity);
  };
  return await ask(`certificate of ${identity}`, issue, { keep: () => ({ chain: '', key: '' }) });
}

/**
 * Issues a workload's certificate from a CA of a root that no cluster trusts: a client who is somebody else's.
 *
 * @param identity SPIFFE identity that it claims to have
 */
export async function issueForeignWorkload(identity: string): ReturnType<typeof issueWorkload> {
  const { foreign } = await issueAuthorities(['foreign']);
  if (foreign === undefined) throw new MeshproofError('MP999', { what: 'no CA was issued for the foreign root' });
  return await issueWorkload(foreign, identity);
}

const mapValues = <From, To>(record: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
