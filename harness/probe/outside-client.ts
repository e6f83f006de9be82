import { GenericContainer, type StartedTestContainer } from 'testcontainers';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { curlCommand, parseCurlOutput, type CurlExchange, type CurlOptions } from './curl.ts';

/** Label by which `down` finds the containers of a killed run. */
export const ownContainerLabel = 'meshproof.outside-client';

/** A client outside of every mesh, in a container of its own on the clusters' Docker network. */
export class OutsideClient {
  readonly #container: StartedTestContainer;

  private constructor(container: StartedTestContainer) {
    this.#container = container;
  }

  /**
   * Starts the client.
   *
   * @param image an image with curl, already known to the Docker daemon
   * @throws MeshproofError MP702 when the container does not start.
   */
  static async start(image: string): Promise<OutsideClient> {
    // The reaper is an image of its own that a daemon without a registry cannot have; `stop` is in a finally instead.
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
    const container = await new GenericContainer(image).withNetworkMode('kind').withLabels({ [ownContainerLabel]: 'true' }).withEntrypoint(['sleep']).withCommand(['3600']).start().catch((cause: unknown) => {
      throw new MeshproofError('MP702', { what: 'the client outside of the mesh did not start', where: 'Docker network kind', seen: cause instanceof Error ? cause.message : String(cause), cause });
    });
    return new OutsideClient(container);
  }

  async curl(url: string, options: CurlOptions = {}): Promise<CurlExchange> {
    const { command, visible, requestId } = curlCommand(url, options);
    const { stdout, stderr, exitCode } = await this.#container.exec(command);
    return parseCurlOutput(stdout, stderr, exitCode, { command: visible, where: 'a container outside of the mesh', requestId });
  }

  async stop(): Promise<void> {
    await this.#container.stop({ timeout: 0 });
  }
}
