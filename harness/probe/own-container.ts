import type { GenericContainer, StartedTestContainer } from 'testcontainers';
import { MeshproofError } from '../errors/meshproof-error.ts';

/** Label by which `down` finds the containers of a killed run. */
export const ownContainerLabel = 'meshproof.outside-client';

/**
 * Starts a container outside of every mesh, on the clusters' Docker network.
 *
 * @param what it is, as the message says it
 * @throws MeshproofError MP702 with Docker's words when it does not start.
 */
export async function startOnClusterNetwork(container: GenericContainer, what: string): Promise<StartedTestContainer> {
  // The reaper is an image of its own that a daemon without a registry cannot have; `stop` is in a finally instead.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  return await container
    .withNetworkMode('kind')
    .withLabels({ [ownContainerLabel]: 'true' })
    .start()
    .catch((cause: unknown) => {
      throw new MeshproofError('MP702', {
        what: `${what} did not start`,
        where: 'Docker network kind',
        seen: cause instanceof Error ? cause.message : String(cause),
        cause,
      });
    });
}
