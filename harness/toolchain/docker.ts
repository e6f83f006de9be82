import { runProgram, type ProgramCall, type ProgramResult } from '../process/run-program.ts';
import type { ErrorCode } from '../errors/catalogue.ts';

/**
 * Deadlines of docker commands that get none of their own, in milliseconds: of those that move whole images, and of all
 * others.
 */
const within = { images: 900_000, other: 120_000 } as const;
const movesImages = new Set(['build', 'commit', 'import', 'load', 'pull', 'push', 'save']);

/** One Docker daemon, spoken to through the docker program. */
export class Docker {
  /** Path or name of the docker program. */
  readonly program: string;
  /** DOCKER_HOST of a private daemon; undefined means the user's own context. */
  readonly host: string | undefined;

  constructor(program: string, host?: string) {
    this.program = program;
    this.host = host;
  }

  /** Environment for programs that look for the daemon themselves (kind, testcontainers). */
  get environment(): Record<string, string> {
    return this.host === undefined ? {} : { DOCKER_HOST: this.host };
  }

  /**
   * Runs one docker command. It has a deadline, whoever calls: a daemon that hangs says nothing for ever.
   *
   * @throws MeshproofError with `code` (MP304 unless given) and docker's own words.
   */
  async run(
    args: readonly string[],
    options: Partial<Omit<ProgramCall, 'program' | 'args' | 'code'>> & { readonly code?: ErrorCode } = {},
  ): Promise<ProgramResult> {
    return await runProgram({
      purpose: `docker ${args[0] ?? ''}`,
      code: 'MP304',
      timeout: movesImages.has(args[0] ?? '') ? within.images : within.other,
      ...options,
      program: this.program,
      args,
      // The classic builder needs no extra container and works without a network.
      env: { ...this.environment, DOCKER_BUILDKIT: '0', DOCKER_CLI_HINTS: 'false', ...options.env },
    });
  }

  /** True when the daemon answers within five seconds. */
  async answers(): Promise<boolean> {
    return await this.run(['version', '--format', '{{.Server.Version}}'], { timeout: 5_000 }).then(
      () => true,
      () => false,
    );
  }

  async hasImage(reference: string): Promise<boolean> {
    return await this.run(['image', 'inspect', '--format', '{{.Id}}', reference]).then(
      () => true,
      () => false,
    );
  }

  /** Asks a registry for an image with the logins that docker has; nothing is pulled. */
  async hasPublished(reference: string, insecure: boolean, timeout: number): Promise<boolean> {
    const args = ['manifest', 'inspect', ...(insecure ? ['--insecure'] : []), reference];
    // Docker 20.10 calls the command experimental.
    return await this.run(args, { timeout, env: { DOCKER_CLI_EXPERIMENTAL: 'enabled' } }).then(
      () => true,
      () => false,
    );
  }
}
