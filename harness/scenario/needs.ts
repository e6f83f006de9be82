import { offers } from '../cluster/providers/registry.ts';
import { defaultTopology } from '../mesh/topologies/names.ts';
import type { Environment } from './environment.ts';
import type { Needs } from './scenario.ts';

/**
 * The first need of a scenario that an environment does not meet, as a sentence.
 *
 * @param hasEgressGateway asks the first cluster
 * @param collision asks the clusters that the user owns for what its hosts would meet there
 */
export async function unmetNeed(
  needs: Needs,
  environment: Pick<Environment, 'clusters' | 'provider' | 'topology'>,
  hasEgressGateway: () => Promise<boolean>,
  collision: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const { clusters, loadBalancer, egressGateway, ownsMesh, ownsCluster, topologies = [defaultTopology] } = needs;
  if (environment.clusters.length < clusters)
    return `needs ${clusters} clusters, the environment has ${environment.clusters.length}`;
  if (!topologies.includes(environment.topology))
    return `holds in ${topologies.join(' and ')} meshes, this one is ${environment.topology}`;
  if (loadBalancer === true && !offers(environment.provider, 'loadBalancer'))
    return 'needs LoadBalancer services, which the provider does not offer';
  const byNodePort = environment.clusters.find(({ gateway }) => gateway?.nodePorts !== undefined);
  if (loadBalancer === true && byNodePort !== undefined)
    return `needs a gateway with an address of its own, and that of ${byNodePort.name} has node ports only`;
  if (ownsMesh === true && !offers(environment.provider, 'ownsMesh'))
    return 'takes control planes down, which is not done to a mesh that meshproof did not install';
  if (ownsCluster === true && !offers(environment.provider, 'ownsCluster'))
    return 'changes the cluster itself (its DNS, say), which is not done to a cluster that meshproof did not make';
  if (egressGateway === true && !(await hasEgressGateway()))
    return `needs an egress gateway, which ${environment.clusters[0]?.name ?? 'the first cluster'} does not have`;
  return await collision();
}
