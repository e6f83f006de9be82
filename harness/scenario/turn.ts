import { createConnection } from 'node:net';
import { MeshproofError } from '../errors/meshproof-error.ts';

/** What a scenario hears when its turn has come. */
export const turnGiven = 'play\n';

/**
 * Waits until no other scenario of the run touches what this one does.
 *
 * @param path of the Unix socket at which turns are given; "" where scenarios play one after the other
 * @returns what ends the turn
 * @throws MeshproofError MP999 when nobody gives turns any more; the signal's reason when the run was interrupted.
 */
export async function takeTurn(path: string, id: string, signal: AbortSignal): Promise<() => void> {
  if (path === '') return () => undefined;
  signal.throwIfAborted();
  const socket = createConnection(path);
  const leave = (): void => {
    socket.destroy();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(signal.reason instanceof Error ? signal.reason : new Error('interrupted'));
      });
      socket.once('data', () => {
        resolve();
      });
      const lost = (cause?: unknown): void => {
        reject(new MeshproofError('MP999', { what: `${id} was given no turn`, where: path, cause }));
      };
      socket.once('error', lost);
      socket.once('close', () => {
        lost();
      });
      socket.write(`${id}\n`);
    });
  } catch (error) {
    leave();
    throw error;
  }
  // From here on the connection only says that the scenario still plays.
  socket.on('error', () => undefined);
  return leave;
}
