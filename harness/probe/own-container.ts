import type { GenericContainer, StartedTestContainer } from 'testcontainers';
import { ownContainerLabel } from '../cluster/labels.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';

/**
 * Starts a container outside of every mesh, on the clusters' Docker network.
 *
 * @param network of the clusters, by its name
 * @param what it is, as the message says it
 * @param environment name of the one that it serves
 * @throws MeshproofError MP702 with Docker's words when it does not start.
 */
export async function startOnClusterNetwork(
  container: GenericContainer,
  network: string,
  what: string,
  environment: string,
): Promise<StartedTestContainer> {
  const [key = '', value = ''] = ownContainerLabel(environment).split('=');
  // The reaper is an image of its own that a daemon without a registry cannot have; `stop` is in a finally instead.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  return await container
    .withNetworkMode(network)
    .withLabels({ [key]: value })
    .start()
    .catch((cause: unknown) => {
      throw new MeshproofError('MP702', {
        what: `${what} did not start`,
        where: `Docker network ${network}`,
        seen: cause instanceof Error ? cause.message : String(cause),
        cause,
      });
    });
}
