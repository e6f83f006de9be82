import { X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import { ask } from '../tape/tape.ts';
import { begun, type Connect, type Connection } from './connection.ts';

export interface Greeting {
  readonly address: string;
  readonly port: number;
  /** Server name that the handshake asks for. */
  readonly sni: string;
  /** Protocols offered; a mesh's gateway matches on `istio`. */
  readonly alpn: readonly string[];
  /** Certificate chain and key that the client presents, PEM. */
  readonly presents?: { readonly chain: string; readonly key: string } | undefined;
  /** Milliseconds to wait for an answer once the client begins to connect (default 5000). */
  readonly within?: number;
}

/** What a TLS client outside of the mesh met. */
export interface HandshakeResult {
  /**
   * `answered`: application data came back; `refused`: an alert or the end of the connection; `silent`: nothing within
   * the deadline.
   */
  readonly outcome: 'answered' | 'refused' | 'silent';
  /**
   * OpenSSL's code of the server's alert, e.g. `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`. Without an alert, how the connection
   * ended: `ECONNRESET` (RST) or `EOF` (FIN) before the server said a word; the same with ` during the handshake` or `
   * after the handshake` when it had spoken; `ECONNREFUSED`, `EHOSTUNREACH`, `ENETUNREACH` or `ETIMEDOUT` when there
   * was no connection at all. "" when it was answered.
   */
  readonly reason: string;
  /** SPIFFE identities of the certificate that the server showed, if the handshake came that far. */
  readonly serverIdentities: readonly string[];
}

/**
 * Greets a TLS port as a client outside of the mesh, sends one HTTP request and reports what came of it. Since TLS 1.3
 * a server refuses a client's certificate only after the client believes the handshake done, so the first answer
 * decides, not the handshake.
 *
 * @param open opens the connection from where the client stands
 * @throws MeshproofError MP702 when no connection could be tried.
 */
export async function greetTls(open: () => Promise<Connect>, greeting: Greeting): Promise<HandshakeResult> {
  const { address, port, sni, presents } = greeting;
  return await ask(
    `greeting to ${address}:${port} with SNI ${sni}${presents === undefined ? '' : ' and a certificate'}`,
    async () => await greetOver((await open())('tcp', address, port), greeting),
  );
}

/** The same over a connection that is open, or about to be. */
export async function greetOver(
  connection: Connection,
  { sni, alpn, presents, within = 5_000 }: Omit<Greeting, 'address' | 'port'>,
): Promise<HandshakeResult> {
  try {
    await begun(connection);
  } catch (error) {
    connection.close();
    throw error;
  }
  return await new Promise((resolve, reject) => {
    let serverIdentities: string[] = [];
    let stage = '';
    const socket = connect({
      socket: connection.stream,
      servername: sni,
      ALPNProtocols: [...alpn],
      // Who the server is, is looked at and reported; trusting it is not this client's question.
      rejectUnauthorized: false,
      ...(presents === undefined ? {} : { cert: presents.chain, key: presents.key }),
    });
    connection.stream.once('data', () => {
      if (stage === '') stage = ' during the handshake';
    });
    const end = (): void => {
      clearTimeout(deadline);
      socket.destroy();
      connection.close();
    };
    const finish = (outcome: HandshakeResult['outcome'], reason: string): void => {
      end();
      resolve({ outcome, reason, serverIdentities });
    };
    const deadline = setTimeout(() => {
      finish('silent', `no answer within ${within} ms`);
    }, within);
    // How a connection ends without an alert, only its own end tells: TLS calls all of that a reset.
    const over = (): void => {
      connection.ended.then(
        (ending) => {
          finish('refused', `${ending}${stage}`);
        },
        (error: unknown) => {
          end();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    };
    socket.once('secureConnect', () => {
      stage = ' after the handshake';
      serverIdentities = identitiesOf(socket);
      socket.write(`GET /headers HTTP/1.1\r\nHost: ${sni}\r\nConnection: close\r\n\r\n`);
    });
    socket.once('data', () => {
      finish('answered', '');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith('ERR_SSL_') === true) finish('refused', error.code);
      else over();
    });
    socket.once('end', over);
    socket.once('close', over);
  });
}

function identitiesOf(socket: TLSSocket): string[] {
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
  if (raw === undefined) return [];
  const names = new X509Certificate(raw).subjectAltName ?? '';
  return names
    .split(', ')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice(4));
}
