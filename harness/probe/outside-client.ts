import { GenericContainer, type StartedTestContainer } from 'testcontainers';
import { curlCommand, parseCurlOutput, type CurlExchange, type CurlOptions } from './curl.ts';
import { startOnClusterNetwork } from './own-container.ts';

/** A client outside of every mesh, in a container of its own on the clusters' Docker network. */
export class OutsideClient {
  readonly #container: StartedTestContainer;
  readonly address: string;

  private constructor(container: StartedTestContainer) {
    this.#container = container;
    this.address = container.getIpAddress('kind');
  }

  /**
   * Starts the client.
   *
   * @param image an image with curl, already known to the Docker daemon
   * @throws MeshproofError MP702 when the container does not start.
   */
  static async start(image: string): Promise<OutsideClient> {
    const container = await startOnClusterNetwork(
      new GenericContainer(image).withEntrypoint(['sleep']).withCommand(['3600']),
      'the client outside of the mesh',
    );
    return new OutsideClient(container);
  }

  async curl(url: string, options: CurlOptions = {}): Promise<CurlExchange> {
    const { command, visible, requestId } = curlCommand(url, options);
    const { stdout, stderr, exitCode } = await this.#container.exec(command);
    return parseCurlOutput(stdout, stderr, exitCode, {
      command: visible,
      where: 'a container outside of the mesh',
      requestId,
    });
  }

  async stop(): Promise<void> {
    await this.#container.stop({ timeout: 0 });
  }
}
