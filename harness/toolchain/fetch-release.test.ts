import { createHash } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ArtifactCache } from './cache.ts';
import { fetchRelease } from './fetch-release.ts';
import type { ReleaseRecipe } from './recipe.ts';
import type { Workshop } from './workshop.ts';

const content = 'the published program';
const checksum = createHash('sha256').update(content).digest('hex');

let folder: string;
let server: Server;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

/** A real HTTP server on loopback, laid out like a publisher. */
async function publish(listener: RequestListener): Promise<ReleaseRecipe> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    id: 'program',
    version: '1',
    from: 'release',
    url: `${base}/program`,
    checksumUrl: `${base}/program.sha256`,
    provides: { program: 'download' },
    seconds: 1,
    bytes: 1,
  };
}

const workshop = (): Workshop => ({
  partial: folder,
  cache: new ArtifactCache(folder),
  log: join(folder, 'log'),
  say: () => undefined,
  signal: new AbortController().signal,
  locate: () => Promise.reject(new Error('not needed')),
});
const serving =
  (body: string, length = body.length): RequestListener =>
  (request, response) => {
    if (request.url?.endsWith('.sha256') === true) {
      response.end(`${checksum}  program\n`);
      return;
    }
    response.setHeader('content-length', length);
    response.write(body);
    if (length === body.length) response.end();
    else response.destroy();
  };

test('a good file is kept, executable', async () => {
  await fetchRelease(await publish(serving(content)), workshop());
  expect(await readFile(join(folder, 'download'), 'utf8')).toBe(content);
});

test('a program for another platform is refused and not kept', async () => {
  // An IBM mainframe's: no platform that meshproof knows.
  const program = Buffer.concat([Buffer.from('7f454c4602020100', 'hex'), Buffer.alloc(10), Buffer.from([0, 22])]);
  const recipe = await publish((_request, response) => response.end(program));
  const sha256 = createHash('sha256').update(program).digest('hex');
  await expect(fetchRelease({ ...recipe, sha256 }, workshop())).rejects.toThrow(
    expect.objectContaining({ code: 'MP320', details: expect.objectContaining({ seen: 'linux/machine 22' }) }),
  );
  expect(await readdir(folder)).toEqual([]);
});

test('a file with another checksum is refused and not kept', async () => {
  await expect(fetchRelease(await publish(serving('something else')), workshop())).rejects.toThrow(
    expect.objectContaining({ code: 'MP303', details: expect.objectContaining({ expected: checksum }) }),
  );
  expect(await readdir(folder)).toEqual([]);
});

test('a mirror with a wrong file and the checksum to it is refused by the pinned hash', async () => {
  const other = 'somebody else’s program';
  const asked: string[] = [];
  const { url, ...recipe } = await publish((request, response) => {
    asked.push(request.url ?? '');
    const wrong = createHash('sha256').update(other).digest('hex');
    response.end(request.url?.endsWith('.sha256') === true ? `${wrong}  program\n` : other);
  });
  const mirrored = { ...recipe, url: 'https://publisher.example/program', sha256: checksum };
  const mirror = { files: new URL(url).origin };
  await expect(fetchRelease(mirrored, { ...workshop(), mirror })).rejects.toThrow(
    expect.objectContaining({ code: 'MP303', details: expect.objectContaining({ expected: checksum }) }),
  );
  expect(asked).toEqual(['/publisher.example/program']);
  expect(await readdir(folder)).toEqual([]);
});

test('a mirror has nothing to say about a file whose hash is not known', async () => {
  const asked: string[] = [];
  const recipe = await publish((request, response) => {
    asked.push(request.url ?? '');
    serving(content)(request, response);
  });
  const mirror = { files: new URL(recipe.url).origin };
  await expect(fetchRelease(recipe, { ...workshop(), mirror })).rejects.toThrow(
    expect.objectContaining({
      code: 'MP306',
      details: expect.objectContaining({ expected: expect.stringContaining(recipe.url) }),
    }),
  );
  expect(asked).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
});

test('a file without a hash and without a checksum file is not taken', async () => {
  const { checksumUrl: _checksumUrl, ...recipe } = await publish(serving(content));
  await expect(fetchRelease(recipe, workshop())).rejects.toThrow(expect.objectContaining({ code: 'MP306' }));
});

test('a download that breaks off is refused and not kept', async () => {
  await expect(fetchRelease(await publish(serving(content, content.length + 100)), workshop())).rejects.toThrow(
    expect.objectContaining({ code: 'MP302' }),
  );
  expect(await readdir(folder)).toEqual([]);
});

test('a file that is not there is asked for once', async () => {
  let asked = 0;
  const recipe = await publish((_request, response) => {
    asked += 1;
    response.statusCode = 404;
    response.end();
  });
  await expect(fetchRelease(recipe, workshop())).rejects.toThrow(
    expect.objectContaining({ code: 'MP302', details: expect.objectContaining({ seen: 'HTTP 404' }) }),
  );
  expect(asked).toBe(1);
});

test('a server that is overloaded for a moment is tried again', async () => {
  let refusals = 1;
  const recipe = await publish((request, response) => {
    if (refusals > 0) {
      refusals -= 1;
      response.statusCode = 503;
      response.end();
    } else serving(content)(request, response);
  });
  await fetchRelease(recipe, workshop());
  expect(await readFile(join(folder, 'download'), 'utf8')).toBe(content);
});

test('a dead server gives its address and the reason', async () => {
  const recipe = await publish(serving(content));
  await new Promise((resolve) => server.close(resolve));
  await expect(fetchRelease(recipe, workshop())).rejects.toThrow(
    expect.objectContaining({
      code: 'MP302',
      details: expect.objectContaining({ seen: expect.stringContaining('ECONNREFUSED') }),
    }),
  );
});
