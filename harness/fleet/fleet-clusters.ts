import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { offers } from '../cluster/providers/registry.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Environment } from '../scenario/environment.ts';
import type { Config } from '../config/config.ts';
import { providerOf } from '../environment/provider-of.ts';
import { checkFits } from '../environment/fitting-environment.ts';
import { readEnvironment } from '../environment/state.ts';

/** The clusters that a config means: the user's own contexts, or those of the kept environment. */
export async function fleetClusters(
  config: Config,
): Promise<{ readonly clusters: readonly ClusterAddress[]; readonly environment: Environment | undefined }> {
  if (!offers(config.provider, 'ownsCluster')) {
    const provider = await providerOf(config);
    await provider.check();
    return { clusters: provider.addresses, environment: undefined };
  }
  const environment = await readEnvironment(config.name);
  if (environment === undefined)
    throw new MeshproofError('MP105', {
      what: `no environment ${config.name} is kept`,
      remedy: 'Bring one up with `meshproof up`, or name contexts of your own in meshproof.yaml (provider: existing).',
    });
  await checkFits(environment, config);
  return { clusters: environment.clusters, environment };
}
