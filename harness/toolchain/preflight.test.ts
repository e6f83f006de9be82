import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { askPublishers, type PreflightOptions, type PublisherAnswer, type PullWay } from './preflight.ts';
import { unknownCertificate } from './stand-in/certificate.ts';
import { registryListener, type StandInRegistry } from './stand-in/registry.ts';
import { startProxy, startServer, type RunningServer } from './stand-in/servers.ts';

const running: RunningServer[] = [];
const start = async <T extends RunningServer>(starting: Promise<T>): Promise<T> => {
  const server = await starting;
  running.push(server);
  return server;
};
const way: PullWay = { httpsProxy: '', mirrors: [], insecure: [] };
const patience: PreflightOptions = { way, within: 4_000 };

beforeEach(() => {
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'])
    vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of running.splice(0)) await server.stop();
});

async function aboutFile(listener: RequestListener, options = patience): Promise<PublisherAnswer | undefined> {
  const { host } = await start(startServer(listener));
  return (await askPublishers({ files: [{ id: 'kind', url: `http://${host}/kind` }], images: [] }, options))[0];
}

async function aboutImage(
  registry: StandInRegistry,
  name: string,
  options = patience,
): Promise<PublisherAnswer | undefined> {
  const { host } = await start(startServer(registryListener(registry)));
  return (await askPublishers({ files: [], images: [{ id: 'node', name: `${host}/${name}` }] }, options))[0];
}

describe('a file', () => {
  test('that is there is asked for by HEAD', async () => {
    const asked: string[] = [];
    const answer = await aboutFile((question, reply) => {
      asked.push(question.method ?? '');
      reply.writeHead(200, { 'content-length': 11_000_000 }).end();
    });
    expect(answer).toMatchObject({ id: 'kind', state: 'there' });
    expect(asked).toEqual(['HEAD']);
  });

  test('of a server that knows GET only is asked for its first byte', async () => {
    const answer = await aboutFile((question, reply) => {
      reply.writeHead(question.method === 'HEAD' ? 405 : question.headers.range === 'bytes=0-0' ? 206 : 500).end();
    });
    expect(answer).toMatchObject({ state: 'there' });
  });

  test.each([
    [404, 'missing', 'MP310'],
    [410, 'missing', 'MP310'],
    [401, 'failed', 'MP313'],
    [403, 'failed', 'MP313'],
    [407, 'failed', 'MP312'],
    [429, 'unknown', 'MP318'],
    [503, 'unknown', 'MP318'],
  ])('with status %i is %s, %s', async (status, state, code) => {
    const answer = await aboutFile((_question, reply) => reply.writeHead(status, { 'retry-after': '60' }).end());
    expect(answer).toMatchObject({ state, code, message: expect.stringContaining(`HTTP ${status}`) });
  });

  test('behind a moment of 503 is there', async () => {
    let asked = 0;
    expect(await aboutFile((_question, reply) => reply.writeHead((asked += 1) === 1 ? 503 : 200).end())).toMatchObject({
      state: 'there',
    });
  });

  test('of a server that hangs is given up at the deadline', async () => {
    const started = performance.now();
    const answer = await aboutFile(() => undefined, { way, within: 500 });
    expect(answer).toMatchObject({ state: 'failed', code: 'MP317' });
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});

describe('an image', () => {
  const images = { 'kindest/node': ['v1.34.0', 'v1.34.3', 'v1.34.8', 'v1.34.11', 'sha256:aa'] };

  test.each(['none', 'token'] as const)('that is there is found, with login %s', async (login) => {
    expect(await aboutImage({ images, login }, 'kindest/node:v1.34.11')).toMatchObject({ state: 'there' });
  });

  test('that is pinned is asked for by its digest, whatever the tag says', async () => {
    expect(await aboutImage({ images }, 'kindest/node:v1.34.4@sha256:aa')).toMatchObject({ state: 'there' });
    expect(await aboutImage({ images }, 'kindest/node:v1.34.11@sha256:bb')).toMatchObject({
      state: 'missing',
      code: 'MP311',
      nearest: ['v1.34.11', 'v1.34.8', 'v1.34.3'],
    });
  });

  test.each(['none', 'token'] as const)('whose tag is missing is told with the nearest, login %s', async (login) => {
    const answer = await aboutImage({ images, login, pageSize: 2 }, 'kindest/node:v1.34.4');
    expect(answer).toMatchObject({ state: 'missing', code: 'MP311', nearest: ['v1.34.3', 'v1.34.8', 'v1.34.0'] });
    expect(answer?.message).toContain('kindest/node:v1.34.4');
    expect(answer?.message).toContain('v1.34.3, v1.34.8, v1.34.0');
  });

  test('of a repository that is not there is missing, without tags', async () => {
    expect(await aboutImage({ images }, 'nobody/nothing:1.0.0')).toMatchObject({
      state: 'missing',
      code: 'MP311',
      nearest: [],
    });
  });

  test.each(['password', 'basic'] as const)(
    'behind a login (%s) is asked for with the login of docker',
    async (login) => {
      const name = 'kindest/node:v1.34.11';
      expect(await aboutImage({ images, login }, name)).toMatchObject({
        state: 'failed',
        code: 'MP313',
        remedy: expect.stringContaining('docker login 127.0.0.1:'),
      });
      const known = { ...way, hasWithLogin: (asked: string) => Promise.resolve(asked.endsWith(name)) };
      expect(await aboutImage({ images, login }, name, { way: known, within: 4_000 })).toMatchObject({
        state: 'there',
      });
    },
  );

  test('on a loopback registry of another machine cannot be asked for', async () => {
    const elsewhere = { ...way, elsewhere: 'in a virtual machine' };
    expect(await aboutImage({ images }, 'kindest/node:v9.9.9', { way: elsewhere, within: 4_000 })).toMatchObject({
      state: 'unknown',
      message: expect.stringContaining('in a virtual machine'),
    });
  });

  test('that docker pulls through a proxy of its own is not missed by who has none', async () => {
    const dead = await startServer(() => undefined);
    await dead.stop();
    const wanted = { files: [], images: [{ id: 'node', name: `${dead.host}/kindest/node:v1` }] };
    const [lost] = await askPublishers(wanted, patience);
    expect(lost).toMatchObject({ state: 'failed', code: 'MP315' });
    const [answer] = await askPublishers(wanted, { way: { ...way, httpsProxy: 'http://proxy:3128' }, within: 4_000 });
    expect(answer).toMatchObject({ state: 'unknown', message: expect.stringContaining('its own proxy') });
  });
});

test('a certificate of an unknown authority is reported with what Node.js wants for it', async () => {
  const { host } = await start(startServer(() => undefined, await unknownCertificate()));
  const [answer] = await askPublishers({ files: [{ id: 'kind', url: `https://${host}/kind` }], images: [] }, patience);
  expect(answer).toMatchObject({ code: 'MP316', remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
});

test('a proxy that asks for a login is reported for files and images', async () => {
  const proxy = await start(startProxy('me:secret'));
  vi.stubEnv('HTTPS_PROXY', `http://${proxy.host}`);
  const answers = await askPublishers(
    {
      files: [{ id: 'kubectl', url: 'https://dl.k8s.io/release/v1.34.11/bin/linux/amd64/kubectl' }],
      images: [{ id: 'node', name: 'kindest/node:v1.34.11' }],
    },
    patience,
  );
  expect(answers.map(({ code, host }) => [code, host])).toEqual([
    ['MP312', 'dl.k8s.io'],
    ['MP312', 'registry-1.docker.io'],
  ]);
  expect([...proxy.asked].sort()).toEqual(['CONNECT dl.k8s.io:443', 'CONNECT registry-1.docker.io:443']);
});

test('questions are asked side by side: many that hang take as long as one', async () => {
  const { host } = await start(startServer(() => undefined));
  const files = Array.from({ length: 20 }, (_, index) => ({ id: `file-${index}`, url: `http://${host}/${index}` }));
  const images = Array.from({ length: 10 }, (_, index) => ({ id: `image-${index}`, name: `${host}/a/b:${index}` }));
  const started = performance.now();
  const answers = await askPublishers({ files, images }, { way, within: 1_000 });
  expect(answers.every(({ state, code }) => state === 'failed' && code === 'MP317')).toBe(true);
  expect(answers).toHaveLength(30);
  expect(performance.now() - started).toBeLessThan(4_000);
});
