import { execa } from 'execa';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { bothWays, endingOf, type Connect, type Ending } from './connection.ts';

/** The docker program, and the environment that leads it to its daemon. */
export interface DockerProgram {
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What the client says when it is there and begins to connect. */
const trying = 'trying';

/**
 * Carries bytes between bash's own standard streams and a peer. Reading and writing are processes of their own, so that
 * a peer which hangs up while something is still being written to it is heard to the last byte. When the client ends
 * its input it is done, and nothing is left behind.
 */
const carry = `
echo ${trying} >&2
exec 3<>"/dev/$1/$2/$3" 4<&0 || exit 1
cat <&4 >&3 & writer=$!
cat <&3 & reader=$!
wait -n -p first "$writer" "$reader"; code=$?
if [ "$first" = "$writer" ] && [ "$code" -ne 0 ]; then wait "$reader"; fi
kill "$writer" "$reader" 2>/dev/null
exit "$code"`;

/**
 * Connects from inside of a container: this process never has to reach the address itself. Needs bash and cat there,
 * which every node image of kind has.
 *
 * @param container id of a running container
 */
export function connectFrom(container: string, { program, environment }: DockerProgram): Connect {
  return (protocol, address, port) => {
    const call = [container, 'bash', '-c', carry, 'relay', protocol, address, String(port)];
    const client = execa(program, ['exec', '-i', '--env', 'LC_ALL=C', ...call], {
      env: environment,
      reject: false,
      buffer: { stdout: false, stderr: true },
      stripFinalNewline: false,
    });
    let givenUp = false;
    const tried = new Promise<void>((resolve) => {
      client.stderr.on('data', (chunk: Buffer) => {
        if (chunk.includes(trying)) resolve();
      });
    });
    const ended = client.then(({ stderr: said, exitCode }): Ending => {
      const stderr = said.replace(`${trying}\n`, '');
      const ending = exitCode === 0 ? 'EOF' : endingOf(stderr);
      if (givenUp) return 'given up';
      if (ending !== undefined) return ending;
      throw new MeshproofError('MP702', {
        what: `no connection to ${address}:${port} could be tried from a container`,
        where: `container ${container.slice(0, 12)}`,
        expected: 'a container that runs, with bash in it',
        seen: stderr === '' ? `exit code ${String(exitCode)}` : stderr,
      });
    });
    ended.catch(() => undefined);
    return {
      stream: bothWays(client.stdin, client.stdout),
      tried,
      ended,
      close: () => {
        if (client.exitCode === null) givenUp = true;
        client.stdin.end();
        client.kill();
      },
    };
  };
}
