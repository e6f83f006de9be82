import {
  createConfiguration,
  ServerConfiguration,
  type Configuration,
  type KubeConfig,
  type Middleware,
} from '@kubernetes/client-node';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { withinDeadline } from './request-deadline.ts';

/**
 * A typed client of the API server of a KubeConfig's current context. Each of its requests has a deadline.
 *
 * @param middleware that every request passes before it is sent
 * @throws MeshproofError MP504 for a context without a cluster.
 */
export function apiClient<T>(
  config: KubeConfig,
  type: new (configuration: Configuration) => T,
  middleware: readonly Middleware[],
): T {
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new MeshproofError('MP504', { what: `the context ${config.getCurrentContext()} names no cluster` });
  return new type(
    createConfiguration({
      baseServer: new ServerConfiguration(cluster.server, {}),
      authMethods: { default: config },
      httpApi: withinDeadline(`context ${config.getCurrentContext()}, ${cluster.server}`),
      promiseMiddleware: [...middleware],
    }),
  );
}
