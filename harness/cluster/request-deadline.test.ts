import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { createConfiguration, CoreV1Api, ServerConfiguration } from '@kubernetes/client-node';
import { afterEach, expect, test } from 'vitest';
import { withinDeadline } from './request-deadline.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function apiOf(listener: RequestListener): Promise<CoreV1Api> {
  const listening = createServer(listener);
  server = listening;
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  return new CoreV1Api(
    createConfiguration({
      baseServer: new ServerConfiguration(url, {}),
      httpApi: withinDeadline('context a', 200),
    }),
  );
}

const refusal = expect.objectContaining({
  code: 'MP504',
  details: expect.objectContaining({ where: 'context a', expected: 'an answer to GET /api/v1/namespaces' }),
});

test('a server that takes the connection and says nothing', async () => {
  await expect((await apiOf(() => undefined)).listNamespace()).rejects.toThrow(refusal);
});

test('a server that stops in the middle of its answer', async () => {
  const api = await apiOf((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"kind":"NamespaceList","items":[');
  });
  await expect(api.listNamespace()).rejects.toThrow(refusal);
});

test('a server that closes the connection has answered in its way', async () => {
  const api = await apiOf((request) => request.socket.destroy());
  await expect(api.listNamespace()).rejects.toThrow(/socket hang up|ECONNRESET/);
});

test('a connection that was closed before it carried anything is opened again, and not for ever', async () => {
  let opened = 0;
  const listener = createTcpServer((socket) => {
    opened += 1;
    socket.destroy();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const url = `https://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const api = new CoreV1Api(
    createConfiguration({
      baseServer: new ServerConfiguration(url, {}),
      httpApi: withinDeadline('context a', 20_000),
    }),
  );
  await expect(api.deleteNamespace({ name: 'a' })).rejects.toThrow(/before secure TLS|ECONNRESET/);
  listener.close();
  expect(opened).toBe(4);
});
