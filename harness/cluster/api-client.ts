import { Agent } from 'node:https';
import {
  createConfiguration,
  ServerConfiguration,
  type Configuration,
  type KubeConfig,
  type Middleware,
  type RequestContext,
  type SecurityAuthentication,
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
      authMethods: { default: keepingConnections(config) },
      httpApi: withinDeadline(`context ${config.getCurrentContext()}, ${cluster.server}`),
      promiseMiddleware: [...middleware],
    }),
  );
}

/** How long a connection that nobody uses stays open, in milliseconds: less than any API server leaves it. */
const idleFor = 10_000;
/** KubeConfig → what a connection depends on → the connections. */
const kept = new WeakMap<KubeConfig, Map<string, Agent>>();

/**
 * Kubernetes' client opens a connection for each request, with a TLS handshake that costs both sides more than the
 * request itself. Here all clients of a KubeConfig share theirs, for as long as its credentials stay the same.
 */
function keepingConnections(config: KubeConfig): SecurityAuthentication {
  const agents = kept.get(config) ?? new Map<string, Agent>();
  kept.set(config, agents);
  return {
    getName: () => config.getName(),
    applySecurityAuthentication: async (context: RequestContext) => {
      await config.applySecurityAuthentication(context);
      const made = context.getAgent();
      // One that leads through a proxy is the client's own affair.
      if (!(made instanceof Agent) || made.constructor !== Agent) return;
      const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = made.options;
      const dependsOn = [ca, cert, key, pfx, passphrase, rejectUnauthorized, servername].map(String).join('\n');
      const agent = agents.get(dependsOn) ?? new Agent({ ...made.options, keepAlive: true, timeout: idleFor });
      agents.set(dependsOn, agent);
      context.setAgent(agent);
    },
  };
}
