import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { ask } from '../tape/tape.ts';

export interface Greeting {
  readonly address: string;
  readonly port: number;
  /** Server name that the handshake asks for. */
  readonly sni: string;
  /** Protocols offered; a mesh's gateway matches on `istio`. */
  readonly alpn: readonly string[];
  /** Certificate chain and key that the client presents, PEM. */
  readonly presents?: { readonly chain: string; readonly key: string } | undefined;
  /** Milliseconds to wait for an answer (default 5000). */
  readonly within?: number;
}

/** What a TLS client outside of the mesh met. */
export interface HandshakeResult {
  /** `answered`: application data came back; `refused`: an alert or a reset ended it; `silent`: nothing within the deadline. */
  readonly outcome: 'answered' | 'refused' | 'silent';
  /** OpenSSL's or the socket's code, e.g. `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`, `ECONNRESET`; "" when it was answered. */
  readonly reason: string;
  /** SPIFFE identities of the certificate that the server showed, if the handshake came that far. */
  readonly serverIdentities: readonly string[];
}

/**
 * Greets a TLS port as a client outside of the mesh, sends one HTTP request and reports what came of it. Since TLS 1.3 a server refuses a
 * client's certificate only after the client believes the handshake done, so the first answer decides, not the handshake.
 */
export async function greetTls(greeting: Greeting): Promise<HandshakeResult> {
  const { address, port, sni, presents } = greeting;
  return await ask(
    `greeting to ${address}:${port} with SNI ${sni}${presents === undefined ? '' : ' and a certificate'}`,
    () => greetNow(greeting),
  );
}

async function greetNow({ address, port, sni, alpn, presents, within = 5_000 }: Greeting): Promise<HandshakeResult> {
  return await new Promise((resolve) => {
    let serverIdentities: string[] = [];
    const socket = connect({
      host: address,
      port,
      servername: sni,
      ALPNProtocols: [...alpn],
      // Who the server is, is looked at and reported; trusting it is not this client's question.
      rejectUnauthorized: false,
      ...(presents === undefined ? {} : { cert: presents.chain, key: presents.key }),
    });
    const finish = (outcome: HandshakeResult['outcome'], reason: string): void => {
      socket.destroy();
      resolve({ outcome, reason, serverIdentities });
    };
    socket.setTimeout(within, () => {
      finish('silent', `no answer within ${within} ms`);
    });
    socket.once('secureConnect', () => {
      const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
      if (raw !== undefined) {
        const names = new X509Certificate(raw).subjectAltName ?? '';
        serverIdentities = names
          .split(', ')
          .filter((name) => name.startsWith('URI:'))
          .map((name) => name.slice(4));
      }
      socket.write(`GET /headers HTTP/1.1\r\nHost: ${sni}\r\nConnection: close\r\n\r\n`);
    });
    socket.once('data', () => {
      finish('answered', '');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      finish('refused', error.code ?? error.message);
    });
    socket.once('end', () => {
      finish('refused', 'connection closed');
    });
  });
}
