import { KubeConfig } from '@kubernetes/client-node';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { ClusterAddress } from './cluster-address.ts';

/**
 * The kubeconfig of a cluster, with its context as the current one. Each call reads the file anew: no two clients share
 * one.
 *
 * @throws MeshproofError MP504 for a file that cannot be read, or that does not have the context.
 */
export function readKubeconfig({
  name,
  kubeconfig,
  context,
}: Pick<ClusterAddress, 'name' | 'kubeconfig' | 'context'>): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromFile(kubeconfig);
  } catch (cause) {
    throw new MeshproofError('MP504', {
      what: `the kubeconfig of cluster ${name} cannot be read`,
      where: kubeconfig,
      seen: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
  const known = config.getContexts().map((one) => one.name);
  if (!known.includes(context))
    throw new MeshproofError('MP504', {
      what: `no context ${context} for cluster ${name}`,
      where: kubeconfig,
      expected: `one of ${known.join(', ')}`,
      seen: context,
    });
  config.setCurrentContext(context);
  return config;
}
