import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectFromHere, type Connect } from './connection.ts';
import { connectFrom } from './relay.ts';

let folder: string;
let relayed: Connect;
const cleanUps: (() => unknown)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-relay-'));
  // Stands in for docker: `exec -i --env NAME=VALUE <container> <call>` runs the call here.
  const docker = join(folder, 'docker');
  await writeFile(
    docker,
    '#!/bin/bash\n[ "$5" = gone ] && { echo "Error response from daemon: No such container: gone" >&2; exit ' +
      '1; }\nexport "$4"; "${@:6}"\n',
  );
  await chmod(docker, 0o755);
  relayed = connectFrom('there', { program: docker, environment: {} });
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function serve(each: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    each(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Every byte there is, more than one buffer of them. */
const allBytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));

describe.each([
  ['from a container', (): Connect => relayed],
  ['from here', (): Connect => connectFromHere],
])('a connection %s', (_name, connect) => {
  test('says when it is tried', async () => {
    const connection = connect()('tcp', '127.0.0.1', await serve(() => undefined));
    await connection.tried;
    connection.close();
    expect(await connection.ended).toBe('given up');
  });

  test('carries every byte both ways, and ends when the peer ends it', async () => {
    const port = await serve((socket) => {
      let heard = 0;
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.length;
        socket.write(chunk);
        if (heard === allBytes.length) socket.end();
      });
    });
    const { stream, ended } = connect()('tcp', '127.0.0.1', port);
    stream.write(allBytes);
    expect((await buffer(stream)).equals(allBytes)).toBe(true);
    expect(await ended).toBe('EOF');
  });

  test('tells a reset from an end, and loses no word that came before it', async () => {
    const port = await serve((socket) => {
      socket.write('farewell', () => socket.once('data', () => socket.resetAndDestroy()));
    });
    const { stream, ended } = connect()('tcp', '127.0.0.1', port);
    const heard: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      heard.push(chunk);
      stream.write('an answer');
    });
    expect(await ended).toBe('ECONNRESET');
    expect(Buffer.concat(heard).toString()).toBe('farewell');
  });

  test('tells that nobody took it', async () => {
    const port = await serve(() => undefined);
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
    const { stream, ended } = connect()('tcp', '127.0.0.1', port);
    stream.on('error', () => undefined);
    expect(await ended).toBe('ECONNREFUSED');
  });

  test('is given up, and the peer sees it go', async () => {
    let left: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      left = resolve;
    });
    const port = await serve((socket) => {
      socket.write('?');
      socket.on('close', () => {
        left();
      });
    });
    const connection = connect()('tcp', '127.0.0.1', port);
    await once(connection.stream, 'data');
    connection.close();
    expect(await connection.ended).toBe('given up');
    await gone;
  });
});

test('packets go out and come back one by one', async () => {
  const socket = createSocket('udp4', (packet, { port, address }) => {
    socket.send(Buffer.concat([packet, Buffer.from([0, 255])]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  cleanUps.push(() => socket.close());
  const connection = relayed('udp', '127.0.0.1', socket.address().port);
  connection.stream.write(Buffer.from([1, 2]));
  expect(await once(connection.stream, 'data')).toEqual([Buffer.from([1, 2, 0, 255])]);
  connection.close();
});

test('a container that is gone says nothing about the peer', async () => {
  const connect = connectFrom('gone', { program: join(folder, 'docker'), environment: {} });
  await expect(connect('tcp', '127.0.0.1', 1).ended).rejects.toMatchObject({
    code: 'MP702',
    details: { seen: expect.stringContaining('No such container') },
  });
});
