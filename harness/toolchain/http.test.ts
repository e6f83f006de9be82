import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RequestListener } from 'node:http';
import { ask, askFor, hangUp, retrying, textOf } from './http.ts';
import { HttpTrouble, retryAfterOf } from './http-trouble.ts';
import { unknownCertificate } from './stand-in/certificate.ts';
import { startProxy, startServer, type RunningServer } from './stand-in/servers.ts';

const signal = new AbortController().signal;
const running: RunningServer[] = [];
const start = async <T extends RunningServer>(starting: Promise<T>): Promise<T> => {
  const server = await starting;
  running.push(server);
  return server;
};
const hello: RequestListener = (question, answer) => {
  answer.end(`hello from ${question.headers.host ?? ''}`);
};
const setProxies = (settings: Readonly<Record<string, string>>): void => {
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
};

beforeEach(() => {
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'])
    vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hangUp();
  for (const server of running.splice(0)) await server.stop();
});

const textAt = async (url: string): Promise<string> => textOf(await askFor(url, { signal }), signal);
const troubleAt = async (url: string, within = 3_000): Promise<HttpTrouble> => {
  const trouble: unknown = await ask(url, { signal: AbortSignal.timeout(within) }).catch((error: unknown) => error);
  if (trouble instanceof HttpTrouble) return trouble;
  throw new Error(`no trouble at ${url}`, { cause: trouble });
};

describe('proxies of the environment', () => {
  test.each(['HTTP_PROXY', 'http_proxy'])('%s is asked for http, without a tunnel', async (name) => {
    const [server, proxy] = [await start(startServer(hello)), await start(startProxy())];
    setProxies({ [name]: `http://${proxy.host}` });
    expect(await textAt(`http://${server.host}/file`)).toBe(`hello from ${server.host}`);
    expect(proxy.asked).toEqual([`GET http://${server.host}/file`]);
  });

  test.each(['HTTPS_PROXY', 'https_proxy'])('%s tunnels https', async (name) => {
    const [server, proxy] = [await start(startServer(hello, await unknownCertificate())), await start(startProxy())];
    setProxies({ [name]: `http://${proxy.host}` });
    expect((await troubleAt(`https://${server.host}/file`)).code).toBe('MP316');
    expect(proxy.asked).toEqual([`CONNECT ${server.host}`]);
  });

  test('a name that only the proxy knows is reached through it', async () => {
    const server = await start(startServer(hello));
    const proxy = await start(startProxy(undefined, server.host));
    setProxies({ HTTP_PROXY: proxy.host });
    expect(await textAt('http://publisher.invalid/file')).toBe('hello from publisher.invalid');
  });

  test.each(['NO_PROXY', 'no_proxy'])('what %s lists is asked directly', async (name) => {
    const [server, proxy] = [await start(startServer(hello)), await start(startProxy())];
    setProxies({ HTTP_PROXY: `http://${proxy.host}`, [name]: 'example.org, 127.0.0.1' });
    expect(await textAt(`http://${server.host}/file`)).toBe(`hello from ${server.host}`);
    expect(proxy.asked).toEqual([]);
  });

  test('user and password in the variable are told to the proxy, and to nobody else', async () => {
    const server = await start(startServer(hello));
    const proxy = await start(startProxy('me:p@ss'));
    setProxies({ HTTP_PROXY: `http://me:p%40ss@${proxy.host}` });
    expect(await textAt(`http://${server.host}/file`)).toBe(`hello from ${server.host}`);
    setProxies({ HTTP_PROXY: `http://me:secret@${proxy.host}` });
    const { code, message } = await troubleAt(`http://${server.host}/file`);
    expect(code).toBe('MP312');
    expect(message).toContain(`HTTP_PROXY http://${proxy.host}`);
    expect(message).not.toContain('secret');
  });

  test.each(['http', 'https'])('a proxy that answers 407 for %s is named, and not asked again', async (scheme) => {
    const [server, proxy] = [await start(startServer(hello)), await start(startProxy('me:secret'))];
    setProxies({ HTTP_PROXY: `http://${proxy.host}`, HTTPS_PROXY: `http://${proxy.host}` });
    const failure = await retrying({ within: 3_000, signal }, (bounded) =>
      askFor(`${scheme}://${server.host}/file`, { signal: bounded }),
    ).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'MP312', message: expect.stringContaining('HTTP 407') });
    expect(failure).toMatchObject({ message: expect.stringContaining(proxy.host) });
    expect(proxy.asked).toHaveLength(1);
  });

  test('a proxy that nobody runs is named', async () => {
    const proxy = await startProxy();
    await proxy.stop();
    setProxies({ HTTPS_PROXY: `http://${proxy.host}` });
    const { code, message } = await troubleAt('https://publisher.invalid/file');
    expect(code).toBe('MP315');
    expect(message).toContain('ECONNREFUSED');
    expect(message).toContain(`HTTPS_PROXY http://${proxy.host}`);
  });
});

describe('each kind of trouble has its own code', () => {
  test('a name that nobody knows', async () => {
    expect(await troubleAt('http://publisher.invalid/file', 15_000)).toMatchObject({ code: 'MP314' });
  });

  test('a connection that is refused', async () => {
    const server = await startServer(hello);
    await server.stop();
    expect(await troubleAt(`http://${server.host}/file`)).toMatchObject({ code: 'MP315', passing: true });
  });

  test('a certificate of an unknown authority', async () => {
    const server = await start(startServer(hello, await unknownCertificate()));
    expect(await troubleAt(`https://${server.host}/file`)).toMatchObject({ code: 'MP316', passing: false });
  });

  test('a server that speaks no TLS', async () => {
    const server = await start(startServer(hello));
    expect(await troubleAt(`https://${server.host}/file`)).toMatchObject({ code: 'MP316', passing: false });
  });

  test('a server that says nothing', async () => {
    const server = await start(startServer(() => undefined));
    expect(await troubleAt(`http://${server.host}/file`, 200)).toMatchObject({ code: 'MP317' });
  });

  test('a connection that is closed without an answer', async () => {
    const server = await start(startServer((question) => question.socket.destroy()));
    expect(await troubleAt(`http://${server.host}/file`)).toMatchObject({ code: 'MP315', passing: true });
  });
});

describe('what may pass is tried again', () => {
  let comeBackIn = '1';
  const answering = async (...statuses: readonly number[]): Promise<{ url: string; asked: () => number }> => {
    let asked = 0;
    const server = await start(
      startServer((_question, answer) => {
        const status = statuses[Math.min(asked, statuses.length - 1)] ?? 200;
        asked += 1;
        answer.writeHead(status, status === 429 ? { 'retry-after': comeBackIn } : {}).end('well');
      }),
    );
    return { url: `http://${server.host}/file`, asked: () => asked };
  };
  const patiently = (url: string, within = 5_000): Promise<number> =>
    retrying({ within, signal, firstPause: 10 }, async (bounded) => (await askFor(url, { signal: bounded })).status);

  test('503 and 502, then the file', async () => {
    const { url, asked } = await answering(503, 502, 200);
    expect(await patiently(url)).toBe(200);
    expect(asked()).toBe(3);
  });

  test('429 is asked again when it said so, not before', async () => {
    const { url } = await answering(429, 200);
    const started = performance.now();
    expect(await patiently(url)).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(1_000);
  });

  test('a server that wants to be asked again after the deadline is not waited for', async () => {
    comeBackIn = '3600';
    const { url, asked } = await answering(429);
    const started = performance.now();
    await expect(patiently(url, 60_000)).rejects.toMatchObject({ code: 'MP318', message: 'HTTP 429' });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(asked()).toBe(1);
  });

  test('503 for ever ends with the deadline, and with what was seen', async () => {
    const { url } = await answering(503);
    await expect(patiently(url, 3_000)).rejects.toMatchObject({ code: 'MP318', message: 'HTTP 503' });
  });

  test.each([404, 401, 403, 410])('%i stays as it is', async (status) => {
    const { url, asked } = await answering(status, 200);
    await expect(patiently(url)).rejects.toBeInstanceOf(HttpTrouble);
    expect(asked()).toBe(1);
  });

  test('a signal ends it at once, with its own reason', async () => {
    const { url } = await answering(503);
    const stop = new AbortController();
    setTimeout(() => {
      stop.abort(new Error('interrupted'));
    }, 50);
    await expect(
      retrying({ within: 60_000, signal: stop.signal, firstPause: 10_000 }, (bounded) =>
        askFor(url, { signal: bounded }),
      ),
    ).rejects.toThrow('interrupted');
  });
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(retryAfterOf('120', now)).toBe(120_000);
  expect(retryAfterOf('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000);
  expect(retryAfterOf('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
  expect(retryAfterOf('soon', now)).toBeUndefined();
  expect(retryAfterOf(null, now)).toBeUndefined();
});
