import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pRetry, { AbortError } from 'p-retry';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { runProgram } from '../process/run-program.ts';
import { mirroredUrl } from './mirror.ts';
import type { ReleaseRecipe } from './recipe.ts';
import type { Workshop } from './workshop.ts';

/**
 * Downloads a published file, checks it against the publisher's checksum and unpacks it. A wrong or truncated file never stays.
 *
 * @throws MeshproofError MP302 when the server is dead, answers with an error or stops half-way; MP303 when the checksum differs.
 */
export async function fetchRelease(
  recipe: ReleaseRecipe,
  { partial, log, say, signal, mirror }: Workshop,
): Promise<void> {
  await mkdir(partial, { recursive: true });
  const url = mirroredUrl(recipe.url, mirror);
  const expected =
    (await fetchText(mirroredUrl(recipe.checksumUrl, mirror), signal)).trim().split(/\s+/)[0]?.toLowerCase() ?? '';
  const file = join(partial, 'download');
  await download(url, file, say, signal);
  const seen = await sha256(file);
  if (seen !== expected) {
    await rm(file);
    throw new MeshproofError('MP303', { what: `${url} is not the file that was published`, expected, seen });
  }
  if (recipe.unpack === undefined) {
    await chmod(file, 0o755);
    return;
  }
  for (const [from, to] of Object.entries(recipe.unpack)) {
    await runProgram({
      program: 'tar',
      args: ['-xzf', file, '-C', partial, from],
      purpose: `unpack ${recipe.id}`,
      code: 'MP302',
      log,
      signal,
    });
    if (from !== to) await rename(join(partial, from), join(partial, to));
    await chmod(join(partial, to), 0o755);
  }
  await rm(file);
}

/** Fetches a small text, e.g. a checksum file or a manifest, with retries for what may pass (a refused connection, 5xx). */
export async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  return await retrying(url, signal, async () => await (await request(url, signal)).text());
}

async function download(url: string, file: string, say: (text: string) => void, signal: AbortSignal): Promise<void> {
  const unfinished = `${file}.unfinished`;
  await retrying(url, signal, async () => {
    const response = await request(url, signal);
    const size = Number(response.headers.get('content-length') ?? Number.NaN);
    let received = 0;
    const meter = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        received += chunk.length;
        say(`${(received / 1e6).toFixed(0)} of ${Number.isNaN(size) ? '?' : (size / 1e6).toFixed(0)} MB`);
        done(undefined, chunk);
      },
    });
    if (response.body === null) throw new Error('empty answer');
    await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(unfinished));
    if (!Number.isNaN(size) && received !== size) throw new Error(`truncated: ${received} of ${size} bytes`);
  }).catch(async (error: unknown) => {
    await rm(unfinished, { force: true });
    throw error;
  });
  await rename(unfinished, file);
}

async function request(url: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(600_000)]) });
  if (response.ok) return response;
  const error = new Error(`HTTP ${response.status}`);
  throw response.status >= 500 ? error : new AbortError(error);
}

async function retrying<T>(url: string, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  try {
    return await pRetry(attempt, { retries: 3, minTimeout: 500, signal });
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw new MeshproofError('MP302', {
      what: `could not fetch ${url}`,
      seen: `${error instanceof Error ? error.message : String(error)}${cause}`,
      cause: error,
    });
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
