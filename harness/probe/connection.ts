import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { MeshproofError } from '../errors/meshproof-error.ts';

/**
 * How a connection ended, seen from the client: the peer closed it (FIN), reset it (RST), never took it, or nothing had
 * happened when the client itself gave up.
 */
export type Ending = 'EOF' | 'ECONNRESET' | 'ECONNREFUSED' | 'EHOSTUNREACH' | 'ENETUNREACH' | 'ETIMEDOUT' | 'given up';

/** A connection of a probe, wherever its far end stands. */
export interface Connection {
  /**
   * What is written goes to the peer, what is read comes from it. It ends when the peer says no more, for whatever
   * reason.
   */
  readonly stream: Duplex;
  /**
   * Comes when the client stands where it connects from, and begins to: deadlines count from then. A busy machine takes
   * seconds to start a program in a container, which say nothing of the peer. Never comes where that fails; `ended`
   * tells why.
   */
  readonly tried: Promise<void>;
  /** Comes once the connection is over. Rejects with MP702 when the client could not be run at all. */
  readonly ended: Promise<Ending>;
  /** Gives the connection up. */
  close(): void;
}

/** Opens a connection from wherever the client stands. */
export type Connect = (protocol: 'tcp' | 'udp', address: string, port: number) => Connection;

/**
 * Connects from this very process: to clusters that their owner made reachable from here, never into a container
 * network, which Docker Desktop, rootless Docker and remote daemons do not route to.
 */
export const connectFromHere: Connect = (protocol, address, port) => {
  if (protocol === 'udp') throw new Error('this process asks over TCP only');
  const socket = new Socket();
  let ending: Ending = 'EOF';
  socket.on('error', (error: NodeJS.ErrnoException) => {
    ending = endingOf(error.code ?? '') ?? 'ECONNRESET';
  });
  const ended = new Promise<Ending>((resolve) => {
    socket.once('close', () => {
      resolve(ending);
    });
  });
  socket.connect(port, address);
  return {
    // Not the socket itself: TLS would take it over, and nobody would hear how it ends.
    stream: bothWays(socket, socket),
    tried: Promise.resolve(),
    ended,
    close: () => {
      if (!socket.closed && ending === 'EOF' && !socket.readableEnded) ending = 'given up';
      socket.destroy();
    },
  };
};

/** A client that has not begun to connect after so many milliseconds is given up. */
const beginsWithin = 30_000;

/**
 * Waits until a client stands where it connects from, and begins to; or until its connection is over already.
 *
 * @throws MeshproofError MP702 when it could not be run, or does not come to it.
 */
export async function begun({ tried, ended }: Pick<Connection, 'tried' | 'ended'>): Promise<void> {
  const over = new AbortController();
  const late = pause(beginsWithin, undefined, { signal: over.signal }).then(() => {
    throw new MeshproofError('MP702', {
      what: 'a client outside of the mesh did not begin to connect',
      expected: `its program to run within ${beginsWithin / 1000} s`,
    });
  });
  try {
    await Promise.race([tried, ended, late]);
  } finally {
    over.abort();
  }
}

const words: readonly (readonly [RegExp, Ending])[] = [
  [/ECONNREFUSED|Connection refused/, 'ECONNREFUSED'],
  // A write after the peer's reset meets a broken pipe, and then it is the write that meets the reset.
  [/ECONNRESET|EPIPE|Connection reset by peer|Broken pipe/, 'ECONNRESET'],
  [/EHOSTUNREACH|No route to host/, 'EHOSTUNREACH'],
  [/ENETUNREACH|Network is unreachable/, 'ENETUNREACH'],
  [/ETIMEDOUT|Connection timed out/, 'ETIMEDOUT'],
];

/** The ending that an error's code or a program's words mean. */
export const endingOf = (text: string): Ending | undefined => words.find(([pattern]) => pattern.test(text))?.[1];

/**
 * Two streams as one. That the writing one takes no more is no error here: what the reading one brings is what the peer
 * said last, and not a byte of it is lost.
 */
export function bothWays(input: Writable, output: Readable): Duplex {
  const joined = new Duplex({
    read: () => {
      output.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      if (!input.writable) {
        done();
        return;
      }
      input.write(chunk, () => {
        done();
      });
    },
    final: (done) => {
      input.end(() => {
        done();
      });
    },
  });
  let ended = false;
  const over = (): void => {
    if (!ended) joined.push(null);
    ended = true;
  };
  input.on('error', () => undefined);
  output.on('data', (chunk: Buffer) => {
    if (!joined.push(chunk)) output.pause();
  });
  output.once('end', over);
  output.once('error', over);
  return joined;
}
