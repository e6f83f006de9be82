import { createSocket } from 'node:dgram';
import { CANCELLED, Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import type { Connect, Connection, Ending } from './connection.ts';

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
 * socket on this machine's loopback, and each of its packets is carried to the server by a connection of the client's.
 *
 * @throws MeshproofError MP702 when no connection could be tried.
 */
export async function lookUp(connect: Connect, server: string, host: string, port = 53): Promise<DnsAnswer> {
  // A packet is under way for as long as it takes to enter a container.
  const resolver = new Resolver({ timeout: 3_000, tries: 2 });
  const loopback = createSocket('udp4');
  const connections = new Set<Connection>();
  const cut: { ending?: Ending; error?: unknown } = {};
  loopback.on('message', (packet, asker) => {
    const connection = connect('udp', server, port);
    connections.add(connection);
    connection.stream.on('data', (reply: Buffer) => {
      if (connections.has(connection)) loopback.send(reply, asker.port, asker.address);
    });
    // That nobody listens there need not be waited for.
    connection.ended
      .then(
        (ending) => (cut.ending = ending),
        (error: unknown) => (cut.error = error),
      )
      .finally(() => {
        if (connections.has(connection)) resolver.cancel();
      });
    connection.stream.write(packet);
  });
  loopback.bind(0, '127.0.0.1');
  await once(loopback, 'listening');
  resolver.setServers([`127.0.0.1:${loopback.address().port}`]);
  try {
    return { addresses: (await resolver.resolve4(host)).sort(), code: '' };
  } catch (error) {
    if (cut.error !== undefined) throw cut.error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { addresses: [], code: code === CANCELLED && cut.ending !== undefined ? cut.ending : code };
  } finally {
    const open = [...connections];
    connections.clear();
    for (const connection of open) connection.close();
    loopback.close();
  }
}
