import type { StartedTestContainer } from 'testcontainers';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import type { Connect } from './connection.ts';
import { lookUp, type DnsAnswer } from './dns-client.ts';
import { startOnClusterNetwork } from './own-container.ts';

export interface NameServerOptions {
  /** Is called with each thing that is done, as a command with its output and what it read. */
  readonly note: (command: string, output: string, input?: string) => void;
  readonly image: string;
  /** The clusters' Docker network, by its name. */
  readonly network: string;
  /** Name of the environment that it serves. */
  readonly environment: string;
  /** Opens connections from the client that asks it: the server's address need not be reachable from this process. */
  readonly connect: Connect;
  /** The Corefile, word for word. */
  readonly corefile: string;
  /** A name that it resolves once it serves. */
  readonly serves: string;
  /** The API server that its `kubernetes` plugin watches, as a pod would find it. */
  readonly kubernetes?: { readonly host: string; readonly port: number; readonly token: string; readonly ca: string };
}

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/** A CoreDNS in a container of its own on the clusters' Docker network. */
export class NameServer {
  readonly #container: StartedTestContainer;
  readonly address: string;
  readonly #options: NameServerOptions;

  private constructor(container: StartedTestContainer, options: NameServerOptions) {
    this.#container = container;
    this.#options = options;
    this.address = container.getIpAddress(options.network);
  }

  /**
   * Starts the server and waits until it serves.
   *
   * @throws MeshproofError MP701 with its own words when it does not serve: it may refuse its Corefile.
   */
  static async start(options: NameServerOptions): Promise<NameServer> {
    const { image, corefile, serves, kubernetes, note, environment: name } = options;
    const files = [
      { content: corefile, target: '/etc/coredns/Corefile' },
      ...(kubernetes === undefined
        ? []
        : [
            { content: kubernetes.token, target: `${serviceAccount}/token` },
            { content: kubernetes.ca, target: `${serviceAccount}/ca.crt` },
          ]),
    ];
    const environment: Record<string, string> =
      kubernetes === undefined
        ? {}
        : { KUBERNETES_SERVICE_HOST: kubernetes.host, KUBERNETES_SERVICE_PORT: String(kubernetes.port) };
    const { GenericContainer } = await import('testcontainers');
    const prepared = new GenericContainer(image)
      .withCopyContentToContainer(files)
      .withEnvironment(environment)
      .withCommand(['-conf', '/etc/coredns/Corefile']);
    const container = await startOnClusterNetwork(prepared, options.network, image, name);
    const server = new NameServer(container, options);
    await server.#serves(image, serves).catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
    note(
      `docker run --network ${options.network} ${image} -conf /etc/coredns/Corefile`,
      (await server.log()).trim(),
      corefile,
    );
    return server;
  }

  /** The IPv4 addresses of a name, sorted; empty when the server has none. */
  async resolve(host: string): Promise<string[]> {
    const { addresses, code } = await this.#ask(host);
    this.#options.note(`dig +short @${this.address} ${host}`, addresses.length > 0 ? addresses.join('\n') : code);
    return [...addresses];
  }

  /** The server's own first words: its version. */
  async log(): Promise<string> {
    const stream = await this.#container.logs();
    return await new Promise((resolve) => {
      let text = '';
      stream.on('data', (chunk: Buffer | string) => (text += chunk.toString()));
      stream.on('end', () => {
        resolve(text);
      });
      setTimeout(() => {
        stream.destroy();
        resolve(text);
      }, 500);
    });
  }

  async stop(): Promise<void> {
    await this.#container.stop({ timeout: 0 });
  }

  async #ask(host: string): Promise<DnsAnswer> {
    return await lookUp(this.#options.connect, this.address, host);
  }

  async #serves(image: string, host: string): Promise<void> {
    await waitFor({
      name: `${image} serves ${host}`,
      where: this.address,
      within: 20_000,
      look: async () => {
        const { addresses, code } = await this.#ask(host);
        return addresses.length > 0 ? holds(undefined) : notYet(`${code}; its log: ${(await this.log()).slice(-500)}`);
      },
    });
  }
}
