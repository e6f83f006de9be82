import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import * as x509 from '@peculiar/x509';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectFromHere } from './connection.ts';
import { greetOver, type HandshakeResult } from './tls-client.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const [ours, theirs] = ['spiffe://cluster.local/ns/bar/sa/httpbin', 'spiffe://cluster.local/ns/foo/sa/sleep'];
interface Identity {
  readonly chain: string;
  readonly key: string;
}
let server: Identity;
let stranger: Identity;

/** A certificate that nobody but itself vouches for. */
async function selfSigned(identity: string): Promise<Identity> {
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test',
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: identity }])],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    chain: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  };
}

const cleanUps: (() => void)[] = [];
beforeAll(async () => {
  [server, stranger] = [await selfSigned(ours), await selfSigned(theirs)];
});
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

async function greet(listener: Server, presents?: Identity, within?: number): Promise<HandshakeResult> {
  const sockets = new Set<Socket>();
  listener.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  const { port } = listener.address() as AddressInfo;
  const greeting = { sni: 'outbound_.8000_._.httpbin.bar.global', alpn: ['istio'], presents };
  return await greetOver(connectFromHere('tcp', '127.0.0.1', port), {
    ...greeting,
    ...(within === undefined ? {} : { within }),
  });
}

/** A server that wants a certificate of a client that it knows; it knows itself only. */
const mutual = (version: TlsOptions['minVersion']): Server =>
  createTlsServer(
    {
      cert: server.chain,
      key: server.key,
      ca: server.chain,
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['istio'],
      minVersion: version,
      maxVersion: version,
    },
    (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'),
  ).on('tlsClientError', () => undefined);

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a server that speaks %s', (version) => {
  test('answers a client that it knows, and shows who it is', async () => {
    expect(await greet(mutual(version), server)).toEqual({ outcome: 'answered', reason: '', serverIdentities: [ours] });
  });

  test('refuses a client without a certificate', async () => {
    expect(await greet(mutual(version))).toMatchObject({ outcome: 'refused' });
  });

  test('that serves everybody answers everybody', async () => {
    const open = createTlsServer({ cert: server.chain, key: server.key, minVersion: version }, (socket) =>
      socket.end('x'),
    );
    expect(await greet(open, stranger)).toMatchObject({ outcome: 'answered' });
  });
});

test('an alert is reported as OpenSSL names it, also when it comes after the client’s handshake', async () => {
  const choosy = createTlsServer({ cert: server.chain, key: server.key, ALPNProtocols: ['h2'] }, (socket) =>
    socket.end(),
  ).on('tlsClientError', () => undefined);
  expect(await greet(choosy)).toEqual({
    outcome: 'refused',
    reason: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    serverIdentities: [],
  });
});

describe('a peer that hangs up without an alert', () => {
  const afterHello = (work: (socket: Socket) => void): Server =>
    createServer((socket) =>
      socket.once('data', () => {
        work(socket);
      }),
    );

  test('by a reset', async () => {
    expect(await greet(afterHello((socket) => socket.resetAndDestroy()))).toMatchObject({
      outcome: 'refused',
      reason: 'ECONNRESET',
    });
  });

  test('in order', async () => {
    expect(await greet(afterHello((socket) => socket.end()))).toMatchObject({ outcome: 'refused', reason: 'EOF' });
  });

  test('in the midst of its handshake', async () => {
    // The head of a record that never comes.
    const begins = afterHello((socket) => socket.end(Buffer.from([22, 3, 3, 0, 90, 2])));
    expect(await greet(begins)).toMatchObject({ outcome: 'refused', reason: 'EOF during the handshake' });
  });

  test('after its handshake', async () => {
    const leaves = createTlsServer({ cert: server.chain, key: server.key }, (socket) => socket.end());
    expect(await greet(leaves)).toEqual({
      outcome: 'refused',
      reason: 'EOF after the handshake',
      serverIdentities: [ours],
    });
  });
});

test('a peer that does not speak TLS is told apart from one that hangs up', async () => {
  const plain = createServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
  expect((await greet(plain)).reason).toBe('ERR_SSL_WRONG_VERSION_NUMBER');
});

test('a peer that says nothing is silent', async () => {
  expect(
    await greet(
      createServer(() => undefined),
      undefined,
      200,
    ),
  ).toEqual({
    outcome: 'silent',
    reason: 'no answer within 200 ms',
    serverIdentities: [],
  });
});

test('the deadline counts from when the client begins to connect', async () => {
  const quiet = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(quiet, 'listening');
  cleanUps.push(() => quiet.close());
  const { port } = quiet.address() as AddressInfo;
  const begun = performance.now();
  const slow = { ...connectFromHere('tcp', '127.0.0.1', port), tried: pause(300) };
  const result = await greetOver(slow, { sni: 'x', alpn: [], within: 100 });
  expect(result).toMatchObject({ outcome: 'silent', reason: 'no answer within 100 ms' });
  expect(performance.now() - begun).toBeGreaterThan(390);
});

test('a peer that is not there refused the connection, not the client', async () => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, 'close');
  const result = await greetOver(connectFromHere('tcp', '127.0.0.1', port), { sni: 'x', alpn: [] });
  expect(result).toMatchObject({ outcome: 'refused', reason: 'ECONNREFUSED' });
});
