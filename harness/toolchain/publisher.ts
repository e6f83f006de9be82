import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GenericContainer, Wait, type StartedTestContainer } from 'testcontainers';
import { isAlive, processIdentitySchema, thisProcess } from '../process/process-identity.ts';
import type { ArtifactCache } from './cache.ts';
import type { Docker } from './docker.ts';
import type { GoRecipe } from './recipe.ts';
import { provide } from './make-artifact.ts';

/**
 * A registry of images and a server of files in one program, which stand where the publishers do: for the proofs of the
 * release toolchain.
 */
const recipe: GoRecipe = {
  id: 'publisher',
  version: '3',
  from: 'go',
  module: 'meshproof/publisher',
  programs: { '.': 'publisher' },
  provides: { publisher: 'publisher' },
  seconds: 60,
  bytes: 10_000_000,
};

/** Says whose stand-in a container is: the identity of the process that started it. */
const standInLabel = 'meshproof.stand-in';

/**
 * There can be one stand-in only, since its ports are the publishers' own; one whose process was killed is in the way
 * of all others.
 */
async function removeStandInsOfKilledRuns(docker: Docker): Promise<void> {
  const { stdout } = await docker.run([
    'ps',
    '--filter',
    `label=${standInLabel}`,
    '--format',
    `{{.ID}} {{.Label "${standInLabel}"}}`,
  ]);
  for (const line of stdout.split('\n').filter((text) => text !== '')) {
    const [id = '', ...words] = line.split(' ');
    const owner = processIdentitySchema.safeParse(JSON.parse(words.join(' ')));
    if (owner.success && (await isAlive(owner.data)) === false) await docker.run(['rm', '--force', id]);
  }
}

/** A publisher that runs in a container of its own, and forgets everything when it stops. */
export class Publisher {
  readonly #container: StartedTestContainer;
  readonly #docker: Docker;

  private constructor(container: StartedTestContainer, docker: Docker) {
    this.#container = container;
    this.#docker = docker;
  }

  /**
   * Builds the program when it is not cached, and starts it on a Docker daemon.
   *
   * @param standIn names of publishers to stand for by TLS, on port 443 of the daemon's machine, and a folder for what
   *   images are made of: a second publisher that is given the same one need not be sent it again
   */
  static async start(
    docker: Docker,
    cache: ArtifactCache,
    signal: AbortSignal,
    standIn?: { readonly hosts: readonly string[]; readonly blobs: string },
  ): Promise<Publisher> {
    const { folder } = await provide(recipe, cache, signal);
    const context = join(cache.root, 'partial', 'image-publisher');
    await mkdir(context, { recursive: true });
    await copyFile(join(folder, 'publisher'), join(context, 'publisher'));
    await writeFile(
      join(context, 'Dockerfile'),
      'FROM scratch\nCOPY publisher /publisher\nENTRYPOINT ["/publisher"]\n',
    );
    await docker.run(['build', '--quiet', '--network', 'none', '--tag', 'meshproof/publisher', context], {
      purpose: 'assemble the publisher',
      signal,
    });
    await rm(context, { recursive: true });
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
    if (docker.host !== undefined) process.env['DOCKER_HOST'] = docker.host;
    // Its ports are looked at from where the daemon is, which need not be here, so its own word counts.
    const image = new GenericContainer('meshproof/publisher').withWaitStrategy(Wait.forLogMessage('publishing'));
    if (standIn === undefined) return new Publisher(await image.withExposedPorts(5000, 8080).start(), docker);
    await removeStandInsOfKilledRuns(docker);
    await mkdir(standIn.blobs, { recursive: true });
    const container = await image
      .withLabels({ [standInLabel]: JSON.stringify(await thisProcess()) })
      .withCommand([...standIn.hosts])
      .withBindMounts([{ source: standIn.blobs, target: '/blobs' }])
      // Docker remembers by the registry's address what it has sent there.
      .withExposedPorts({ container: 5000, host: 5000 }, 8080, { container: 8443, host: 443 })
      .start();
    return new Publisher(container, docker);
  }

  /** Base URL of the files, as the daemon's network reaches it. */
  get files(): string {
    return `http://127.0.0.1:${this.#container.getMappedPort(8080)}`;
  }

  /** Address of the registry, which Docker takes without TLS since it is a loopback one. */
  get images(): string {
    return `127.0.0.1:${this.#container.getMappedPort(5000)}`;
  }

  /**
   * Publishes files: path below the server's root → content. One with a twin that ends in `.cut` and is not empty
   * breaks off half-way.
   */
  async publishFiles(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
    await this.#container.copyContentToContainer(
      Object.entries(files).map(([path, content]) => ({ content, target: `/files/${path}`, mode: 0o644 })),
    );
  }

  /** Publishes an image of the daemon under a name, e.g. `docker.io/istio/pilot:1.31.0`, and says its digest. */
  async publishImage(image: string, name: string): Promise<string> {
    const there = `${this.images}/${name}`;
    await this.#docker.run(['tag', image, there]);
    const { stdout } = await this.#docker.run(['push', there], { purpose: `publish ${name}`, timeout: 300_000 });
    await this.#docker.run(['image', 'rm', there]);
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1];
    if (digest === undefined) throw new Error(`docker push told no digest of ${name}: ${stdout}`);
    return digest;
  }

  /**
   * Puts an index of several platforms, with attestations, in the place of an image that was published: what the tags
   * of real publishers lead to.
   *
   * @returns the digest of the index
   */
  async publishIndex(name: string): Promise<string> {
    return (await this.#call('index', name)).trim();
  }

  /** The certificate of the authority that signed what the publisher shows by TLS, as PEM. */
  async authority(): Promise<string> {
    return await this.#call('authority');
  }

  /** What was asked of it by TLS so far, a line each: method and path. */
  async asked(): Promise<string[]> {
    const { stdout, stderr } = await this.#docker.run(['logs', this.#container.getId()]);
    return [...`${stdout}\n${stderr}`.matchAll(/(?:GET|HEAD) \/\S+/g)].map(([line]) => line);
  }

  async #call(...args: string[]): Promise<string> {
    const { stdout } = await this.#docker.run(['exec', this.#container.getId(), '/publisher', ...args], {
      purpose: `ask the publisher for its ${args[0] ?? ''}`,
    });
    return stdout;
  }

  async stop(): Promise<void> {
    await this.#container.stop({ timeout: 0 });
  }
}
