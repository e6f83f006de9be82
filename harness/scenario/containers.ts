import { MeshproofError } from '../errors/meshproof-error.ts';
import { NameServer, type NameServerOptions } from '../probe/name-server.ts';
import { OutsideClient } from '../probe/outside-client.ts';
import type { Environment } from './environment.ts';
import type { Journal } from './journal.ts';

/** Containers outside of every mesh, on the clusters' own network. Each is gone when the work that it was started for ends. */
export class Containers {
  readonly #environment: Environment;
  readonly #journal: Journal;

  constructor(environment: Environment, journal: Journal) {
    this.#environment = environment;
    this.#journal = journal;
  }

  /** A client that no mesh knows. */
  async client<T>(work: (client: OutsideClient) => Promise<T>): Promise<T> {
    this.#check();
    return await during(OutsideClient.start(this.#environment.images.curl), work);
  }

  /** A CoreDNS of a version of its own, with a Corefile word for word. */
  async coreDns<T>(version: string, options: Omit<NameServerOptions, 'image' | 'note'>, work: (server: NameServer) => Promise<T>): Promise<T> {
    this.#check();
    const image = this.#environment.images.coredns[version];
    if (image === undefined) throw new MeshproofError('MP708', { what: `no image of CoreDNS ${version} is at hand` });
    const note = (command: string, output: string, input?: string): void => {
      this.#journal.note({ cluster: 'beside', command, output, ...(input === undefined ? {} : { input }) });
    };
    return await during(NameServer.start({ ...options, image, note }), work);
  }

  #check(): void {
    if (this.#environment.provider !== 'kind') throw new MeshproofError('MP708', { what: 'needs a container on the clusters’ network, which clusters of the user do not offer' });
  }
}

async function during<C extends { stop(): Promise<void> }, T>(starting: Promise<C>, work: (container: C) => Promise<T>): Promise<T> {
  const container = await starting;
  try {
    return await work(container);
  } finally {
    await container.stop();
  }
}
