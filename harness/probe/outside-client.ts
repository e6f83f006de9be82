import type { StartedTestContainer } from 'testcontainers';
import type { Connect } from './connection.ts';
import { curlCommand, parseCurlOutput, type CurlExchange, type CurlOptions } from './curl.ts';
import { startOnClusterNetwork } from './own-container.ts';
import { connectFrom, type DockerProgram } from './relay.ts';

/** A client outside of every mesh, in a container of its own on the clusters' Docker network. */
export class OutsideClient {
  readonly #container: StartedTestContainer;
  readonly address: string;
  /** Opens connections that begin in the client's container. */
  readonly connect: Connect;

  private constructor(container: StartedTestContainer, network: string, docker: DockerProgram) {
    this.#container = container;
    this.address = container.getIpAddress(network);
    this.connect = connectFrom(container.getId(), docker);
  }

  /**
   * Starts the client.
   *
   * @param network of the clusters, by its name
   * @param image an image with curl and bash, already known to the Docker daemon: the nodes' own has both, whoever made
   *   it
   * @param environment name of the one that it serves
   * @throws MeshproofError MP702 when the container does not start.
   */
  static async start(
    network: string,
    image: string,
    docker: DockerProgram,
    environment: string,
  ): Promise<OutsideClient> {
    // Loaded when a container starts: most scenarios start none.
    const { GenericContainer } = await import('testcontainers');
    const container = await startOnClusterNetwork(
      new GenericContainer(image).withEntrypoint(['sleep']).withCommand(['3600']),
      network,
      'the client outside of the mesh',
      environment,
    );
    return new OutsideClient(container, network, docker);
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
