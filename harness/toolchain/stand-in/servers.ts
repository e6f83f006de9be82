import { createServer, request, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** A real server on loopback. */
export interface RunningServer {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly stop: () => Promise<void>;
}

/** Starts an HTTP server, or with a key and a certificate an HTTPS server, on a port of its own. */
export async function startServer(
  listener: RequestListener,
  tls?: { readonly key: string; readonly cert: string },
): Promise<RunningServer> {
  return await started(tls === undefined ? createServer(listener) : createTlsServer(tls, listener));
}

async function started(server: Server): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A forward proxy: it tunnels with CONNECT, and passes plain HTTP on. */
export interface RunningProxy extends RunningServer {
  /** What it was asked for: `CONNECT host:port` or `GET http://host/path`. */
  readonly asked: readonly string[];
}

/**
 * Starts a proxy.
 *
 * @param login `user:password` that it asks for with 407
 * @param leadTo where it connects to instead of what was asked for: names that no name server knows can be asked for
 *   through it
 */
export async function startProxy(login?: string, leadTo?: string): Promise<RunningProxy> {
  const asked: string[] = [];
  const expected = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
  const placeOf = (host: string): { hostname: string; port: number } => {
    const [hostname = '', port = '80'] = (leadTo ?? host).split(':');
    return { hostname, port: Number(port) };
  };
  const server = createServer((question, answer) => {
    asked.push(`${question.method ?? ''} ${question.url ?? ''}`);
    if (expected !== undefined && question.headers['proxy-authorization'] !== expected) {
      answer.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end('who are you?');
      return;
    }
    const { host, pathname, search } = new URL(question.url ?? '');
    const { method = 'GET', headers } = question;
    const onwards = request({ ...placeOf(host), path: `${pathname}${search}`, method, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    onwards.on('error', () => answer.writeHead(502).end());
    question.pipe(onwards);
  });
  server.on('connect', (question, socket) => {
    asked.push(`CONNECT ${question.url ?? ''}`);
    if (expected !== undefined && question.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="proxy"\r\n\r\n');
      return;
    }
    const { hostname, port } = placeOf(question.url ?? '');
    const onwards = connect(port, hostname, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onwards.pipe(socket);
      socket.pipe(onwards);
    });
    onwards.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    socket.on('error', () => onwards.destroy());
  });
  return { ...(await started(server)), asked };
}
