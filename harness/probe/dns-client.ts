import { createSocket } from 'node:dgram';
import { CANCELLED, Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { begun, type Connect, type Connection, type Ending } from './connection.ts';

/** What a name server said. */
export interface DnsAnswer {
  /** IPv4 addresses, sorted; empty when there are none. */
  readonly addresses: readonly string[];
  /**
   * The resolver's code when there are none: `ENOTFOUND`, `ETIMEOUT`, `ESERVFAIL` …, or how the connection ended:
   * `ECONNREFUSED`; else "".
   */
  readonly code: string;
}

/**
 * Asks one name server for the IPv4 addresses of a name, from where the client stands. Node's resolver speaks to a
 * socket on this machine's loopback, and its packets are carried to the server by a connection of the client's. The
 * resolver begins when the client stands there: how long that takes says nothing of the server.
 *
 * @throws MeshproofError MP702 when no connection could be tried.
 */
export async function lookUp(connect: Connect, server: string, host: string, port = 53): Promise<DnsAnswer> {
  const connection = connect('udp', server, port);
  try {
    await begun(connection);
    return await lookUpOver(connection, host);
  } finally {
    connection.close();
  }
}

async function lookUpOver(connection: Connection, host: string): Promise<DnsAnswer> {
  const resolver = new Resolver({ timeout: 3_000, tries: 2 });
  const loopback = createSocket('udp4');
  let over = false;
  let asked: (answer: Buffer) => void = () => undefined;
  const cut: { ending?: Ending; error?: unknown } = {};
  connection.stream.on('data', (reply: Buffer) => {
    if (!over) asked(reply);
  });
  loopback.on('message', (packet, asker) => {
    asked = (reply) => {
      loopback.send(reply, asker.port, asker.address);
    };
    connection.stream.write(packet);
  });
  loopback.bind(0, '127.0.0.1');
  await once(loopback, 'listening');
  resolver.setServers([`127.0.0.1:${loopback.address().port}`]);
  const answer = resolver.resolve4(host);
  // That nobody listens there need not be waited for.
  connection.ended
    .then(
      (ending) => (cut.ending = ending),
      (error: unknown) => (cut.error = error),
    )
    .finally(() => {
      if (!over) resolver.cancel();
    });
  try {
    return { addresses: (await answer).sort(), code: '' };
  } catch (error) {
    if (cut.error !== undefined) throw cut.error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { addresses: [], code: code === CANCELLED && cut.ending !== undefined ? cut.ending : code };
  } finally {
    over = true;
    loopback.close();
  }
}
