import { MeshproofError } from '../errors/meshproof-error.ts';
import type { NameServer, NameServerOptions } from '../probe/name-server.ts';
import type { OutsideClient } from '../probe/outside-client.ts';
import { ask, taped } from '../tape/tape.ts';
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
  async client<T>(work: (client: Pick<OutsideClient, 'curl'>) => Promise<T>): Promise<T> {
    this.#check();
    const start = async (): Promise<OutsideClient> => {
      const { OutsideClient: Client } = await import('../probe/outside-client.ts');
      return await Client.start(this.#environment.images.curl);
    };
    return await during('the client outside of the mesh', start, work);
  }

  /** A CoreDNS of a version of its own, with a Corefile word for word. */
  async coreDns<T>(
    version: string,
    options: Omit<NameServerOptions, 'image' | 'note'>,
    work: (server: Pick<NameServer, 'address' | 'resolve' | 'log'>) => Promise<T>,
  ): Promise<T> {
    this.#check();
    const image = this.#environment.images.coredns[version];
    if (image === undefined) throw new MeshproofError('MP708', { what: `no image of CoreDNS ${version} is at hand` });
    const note = (command: string, output: string, input?: string): void => {
      this.#journal.note({ cluster: 'beside', command, output, ...(input === undefined ? {} : { input }) });
    };
    const start = async (): Promise<NameServer> => {
      const { NameServer: Server } = await import('../probe/name-server.ts');
      return await Server.start({ ...options, image, note });
    };
    return await during(`CoreDNS ${version}`, start, work);
  }

  #check(): void {
    if (this.#environment.provider !== 'kind')
      throw new MeshproofError('MP708', {
        what: 'needs a container on the clusters’ network, which clusters of the user do not offer',
      });
  }
}

/** Runs work with a container beside it. Where it stands is asked first, so that a replay knows it as well. */
async function during<C extends { readonly address: string; stop(): Promise<void> }, T>(
  name: string,
  start: () => Promise<C>,
  work: (container: C) => Promise<T>,
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
    await running?.stop();
  }
}
