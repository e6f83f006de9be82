import { offers } from '../cluster/providers/registry.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Environment } from '../scenario/environment.ts';
import { sameAddress } from './consent.ts';
import type { Config } from '../config/config.ts';
import { providerOf } from './provider-of.ts';

/**
 * Checks that a kept environment is the one that a config asks for: to play on another one would write to clusters that
 * nobody named.
 *
 * @throws MeshproofError MP105 that names what differs.
 */
export async function checkFits(kept: Environment, config: Config): Promise<void> {
  const { provider, clusterNames, name } = kept;
  const differ = (what: string, expected: string, seen: string): never => {
    throw new MeshproofError('MP105', {
      what: `the kept environment ${name} is not the one that is configured: ${what} differ`,
      expected: `${expected}, as configured`,
      seen: `${seen}, as kept`,
      remedy: 'Correct the configuration, give the environment another `name`, or remove it with `meshproof down`.',
    });
  };
  if (provider !== config.provider) differ('the providers', config.provider, provider);
  if (kept.topology !== config.topology) differ('the topologies', config.topology, kept.topology);
  if (clusterNames.join() !== config.clusters.join())
    differ('the clusters', config.clusters.join(', '), clusterNames.join(', '));
  if (offers(config.provider, 'ownsCluster')) return;
  const { addresses } = await providerOf(config);
  for (const address of addresses) {
    const found = kept.clusters.find((cluster) => cluster.name === address.name);
    if (found === undefined || !sameAddress(found, address))
      differ(
        `the contexts of ${address.name}`,
        `${address.context} of ${address.kubeconfig}`,
        found === undefined ? 'none' : `${found.context} of ${found.kubeconfig}`,
      );
  }
}

/**
 * The same for the builds, once it is known what the config's options mean on this machine.
 *
 * @throws MeshproofError MP105 for another mesh or Kubernetes than the kept one.
 */
export function checkBuilds(
  { name, versions }: Environment,
  wanted: { readonly istioVersion: string; readonly kubernetesVersion: string },
): void {
  const seen = `Istio ${versions.istio}, Kubernetes ${versions.kubernetes}`;
  const expected = `Istio ${wanted.istioVersion}, Kubernetes ${wanted.kubernetesVersion}`;
  if (seen === expected) return;
  throw new MeshproofError('MP105', {
    what: `the kept environment ${name} is not the one that is configured: the builds differ`,
    expected: `${expected}, as configured`,
    seen: `${seen}, as kept`,
    remedy: 'Leave --mesh and --kubernetes as they were, or bring an environment of the other build up.',
  });
}
