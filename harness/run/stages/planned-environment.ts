import type { ClusterAddress } from '../../cluster/cluster-address.ts';
import { offers } from '../../cluster/providers/registry.ts';
import { baselinePath, manifestPath } from '../../environment/state.ts';
import type { GatewayAddress } from '../../mesh/install.ts';
import type { Environment } from '../../scenario/environment.ts';
import { locate } from '../../toolchain/toolchain.ts';
import type { Plan } from '../plan.ts';

/**
 * The environment that a plan makes, as far as it is there.
 *
 * @param addresses the clusters that were created so far
 * @param gateways the gateways' addresses, by cluster
 */
export function plannedEnvironment(
  plan: Plan,
  addresses: readonly ClusterAddress[],
  gateways: Readonly<Record<string, GatewayAddress>> = {},
): Environment {
  const { toolchain, images, lab } = plan;
  const { config } = plan.request;
  return {
    name: config.name,
    provider: config.provider,
    topology: config.topology,
    status: 'creating',
    createdAt: new Date().toISOString(),
    runFolder: plan.runFolder,
    // The daemon that the docker context led to when the clusters were made: later commands ask that one.
    ...(lab === undefined
      ? { dockerHost: process.env['DOCKER_HOST'] }
      : { networkNamespace: lab.namespacePath, dockerHost: lab.dockerHost }),
    programs: {
      kubectl: locate(toolchain, 'kubectl'),
      istioctl: locate(toolchain, 'istioctl'),
      kind: locate(toolchain, 'kind'),
      docker: plan.docker,
    },
    versions: { kubernetes: toolchain.kubernetesVersion, istio: toolchain.istioVersion, edition: toolchain.edition },
    images: {
      httpbin: images.httpbin.image,
      httpbinPort: images.httpbin.port,
      curl: images.curl,
      node: images.node,
      coredns: images.coredns,
    },
    clusterNames: [...config.clusters],
    setUp: [],
    clusters: addresses.map((address) => ({
      ...address,
      ...(offers(config.provider, 'ownsMesh')
        ? {
            manifest: manifestPath(config.name, address.name),
            baseline: baselinePath(config.name, address.name),
          }
        : {}),
      gateway: gateways[address.name],
    })),
  };
}
