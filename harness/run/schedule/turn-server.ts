import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { turnGiven } from '../../scenario/turn.ts';
import { Turns, type Player } from './turns.ts';

export interface TurnServer {
  /** The Unix socket at which a scenario asks for its turn. */
  readonly path: string;
  /** Says that a scenario has ended, also one that never asked: nobody waits for it any longer. */
  over(id: string): void;
  close(): Promise<void>;
}

/**
 * Gives scenarios that play in several processes their turns. A connection is a turn: it is given by a line, and ends
 * with the connection, so that a process that dies keeps nobody waiting.
 *
 * @param players every scenario of the run
 * @param changed hears who plays, whenever that changes
 * @param inOrder whether the players begin in the order given
 */
export async function serveTurns(
  players: readonly Player[],
  changed: (playing: readonly string[]) => void,
  inOrder = true,
): Promise<TurnServer> {
  const turns = new Turns(inOrder ? players.map(({ id }) => id) : []);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let player: Player | undefined;
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (id) => {
      player = players.find((one) => one.id === String(id).trim());
      if (player === undefined) {
        socket.destroy();
        return;
      }
      turns.ask(player, () => {
        socket.write(turnGiven);
        changed(turns.playing);
      });
    });
    socket.on('close', () => {
      sockets.delete(socket);
      if (player === undefined) return;
      turns.leave(player.id);
      changed(turns.playing);
    });
  });
  // A folder that only this user can enter; the path of a run's own folder may be too long for a socket.
  const folder = await mkdtemp(join(tmpdir(), 'meshproof-'));
  const path = join(folder, 'turns');
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    path,
    over: (id) => {
      turns.leave(id);
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      await rm(folder, { recursive: true, force: true });
    },
  };
}
