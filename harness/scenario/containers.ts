import { providerNamed } from '../cluster/providers/registry.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { NameServer, NameServerOptions } from '../probe/name-server.ts';
import { connectFromHere, type Connect } from '../probe/connection.ts';
import type { OutsideClient } from '../probe/outside-client.ts';
import { greetTls, type Greeting, type HandshakeResult } from '../probe/tls-client.ts';
import { Docker } from '../toolchain/docker.ts';
import { ask, taped } from '../tape/tape.ts';
import type { Environment } from './environment.ts';
import type { Journal } from './journal.ts';

/**
 * Containers outside of every mesh, on the clusters' own network, and what is asked from there. This process itself
 * need not reach that network: Docker Desktop, rootless Docker and remote daemons do not route to it.
 */
export class Containers {
  readonly #environment: Environment;
  readonly #journal: Journal;
  /** One client for all that a scenario asks from outside; started when something first asks. */
  #client: Promise<OutsideClient> | undefined;

  constructor(environment: Environment, journal: Journal) {
    this.#environment = environment;
    this.#journal = journal;
  }

  /** A client that no mesh knows. */
  async client<T>(work: (client: Pick<OutsideClient, 'curl'>) => Promise<T>): Promise<T> {
    this.#network();
    return await during('the client outside of the mesh', () => this.#outsideClient(), work);
  }

  /**
   * Greets a TLS port as a client that no mesh knows. To clusters that their owner made, whose network no container of
   * ours can join, it goes from this machine.
   */
  async greet(greeting: Greeting): Promise<HandshakeResult> {
    const open = async (): Promise<Connect> =>
      providerNamed(this.#environment.provider).network === undefined
        ? connectFromHere
        : (await this.#outsideClient()).connect;
    return await greetTls(open, greeting);
  }

  /** A CoreDNS of a version of its own, with a Corefile word for word. */
  async coreDns<T>(
    version: string,
    options: Omit<NameServerOptions, 'image' | 'network' | 'note' | 'connect' | 'environment'>,
    work: (server: Pick<NameServer, 'address' | 'resolve' | 'log'>) => Promise<T>,
  ): Promise<T> {
    const network = this.#network();
    const image = this.#environment.images.coredns[version];
    if (image === undefined) throw new MeshproofError('MP708', { what: `no image of CoreDNS ${version} is at hand` });
    const note = (command: string, output: string, input?: string): void => {
      this.#journal.note({ cluster: 'beside', command, output, ...(input === undefined ? {} : { input }) });
    };
    const start = async (): Promise<NameServer> => {
      const { NameServer: Server } = await import('../probe/name-server.ts');
      const { connect } = await this.#outsideClient();
      return await Server.start({ ...options, image, network, note, connect, environment: this.#environment.name });
    };
    return await during(`CoreDNS ${version}`, start, work, (server) => server.stop());
  }

  /** Removes what is still there; for the end of a scenario. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // One that did not start was told of where it was asked for.
    await client?.then(
      (started) => started.stop(),
      () => undefined,
    );
  }

  #outsideClient(): Promise<OutsideClient> {
    this.#client ??= (async () => {
      const { images, programs, dockerHost, name } = this.#environment;
      const { OutsideClient: Client } = await import('../probe/outside-client.ts');
      return await Client.start(this.#network(), images.node, new Docker(programs.docker, dockerHost), name);
    })();
    return this.#client;
  }

  /** The network that containers join, by its name. */
  #network(): string {
    const { network } = providerNamed(this.#environment.provider);
    if (network === undefined)
      throw new MeshproofError('MP708', {
        what: 'needs a container on the clusters’ network, which clusters of the user do not offer',
      });
    return network;
  }
}

/** Runs work with a container beside it. Where it stands is asked first, so that a replay knows it as well. */
async function during<C extends { readonly address: string }, T>(
  name: string,
  start: () => Promise<C>,
  work: (container: C) => Promise<T>,
  stop: (container: C) => Promise<void> = () => Promise.resolve(),
): Promise<T> {
  let container: C | undefined;
  const address = await ask(`${name}: start`, async () => {
    container = await start();
    return container.address;
  });
  const running = container;
  try {
    const opened = (): Promise<C> =>
      running === undefined ? Promise.reject(new Error(`${name} never started`)) : Promise.resolve(running);
    return await work(taped<C>(`${name}:`, opened, { known: { address } as Partial<C>, lookOnly: () => true }));
  } finally {
    if (running !== undefined) await stop(running);
  }
}
