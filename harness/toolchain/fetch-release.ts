import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { catalogue } from '../errors/catalogue.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { runProgram } from '../process/run-program.ts';
import { askFor, retrying, textOf } from './http.ts';
import { HttpTrouble, transportTrouble } from './http-trouble.ts';
import { mirroredUrl, type Mirror } from './mirror.ts';
import { programPlatform } from './program-platform.ts';
import { platformOf } from './published.ts';
import type { ReleaseRecipe } from './recipe.ts';
import type { Workshop } from './workshop.ts';

/**
 * Downloads a published file, checks it and unpacks it. A wrong or truncated file never stays. Where no hash is pinned,
 * the publisher's own checksum file tells it, fetched from the publisher; a mirror is refused then, since it could
 * bring a wrong file and the checksum to it.
 *
 * @throws MeshproofError MP302 when the server is dead, answers with an error or stops half-way; MP303 when the
 *   checksum differs; MP306 for a mirror without a pinned hash; MP320 for a program of another platform.
 */
export async function fetchRelease(
  recipe: ReleaseRecipe,
  { partial, log, say, signal, mirror }: Workshop,
): Promise<void> {
  await mkdir(partial, { recursive: true });
  const url = mirroredUrl(recipe.url, mirror);
  const expected = recipe.sha256 ?? (await publishedChecksum(recipe, mirror, signal));
  const file = join(partial, 'download');
  await download(url, file, say, signal);
  const seen = await sha256(file);
  if (seen !== expected) {
    await rm(file);
    throw new MeshproofError('MP303', { what: `${url} is not the file that was published`, expected, seen });
  }
  if (recipe.unpack === undefined) {
    await chmod(file, 0o755);
    await expectForThisMachine(file, url);
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
    await expectForThisMachine(join(partial, to), url);
  }
  await rm(file);
}

/**
 * A program for another platform would only say “exec format error” later, when it is started.
 *
 * @throws MeshproofError MP320; the file is removed then.
 */
async function expectForThisMachine(file: string, url: string): Promise<void> {
  const [seen, expected] = [await programPlatform(file), platformOf()];
  if (seen === undefined || seen === expected) return;
  await rm(file);
  throw new MeshproofError('MP320', { what: `${url} is a program for another platform`, expected, seen });
}

async function publishedChecksum(
  { id, version, url, checksumUrl }: ReleaseRecipe,
  mirror: Mirror | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (mirror?.files !== undefined || checksumUrl === undefined)
    throw new MeshproofError('MP306', {
      what: `no SHA-256 is pinned for ${id} ${version}, so a mirror of it cannot be checked`,
      where: url,
      expected: `the publisher’s SHA-256 under mirror.pins in the configuration, as "${url}": <64 hex digits>`,
      seen: mirror?.files === undefined ? 'the publisher has no checksum file' : `mirror.files ${mirror.files}`,
    });
  const [first = ''] = (await fetchText(checksumUrl, signal)).trim().split(/\s+/);
  return first.toLowerCase();
}

/** Milliseconds for one file, tries and pauses included. */
const fetchWithin = 900_000;

/**
 * Fetches a small text, e.g. a checksum file or a manifest.
 *
 * @throws MeshproofError MP302 when it is not there, or what may pass (429, 5xx, a broken connection) did not pass in
 *   time.
 */
export async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  return await fetching(url, signal, async (bounded) => textOf(await askFor(url, { signal: bounded }), bounded));
}

async function download(url: string, file: string, say: (text: string) => void, signal: AbortSignal): Promise<void> {
  const unfinished = `${file}.unfinished`;
  await fetching(url, signal, async (bounded) => {
    const response = await askFor(url, { signal: bounded });
    const size = Number(response.headers.get('content-length') ?? Number.NaN);
    let received = 0;
    const meter = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        received += chunk.length;
        say(`${(received / 1e6).toFixed(0)} of ${Number.isNaN(size) ? '?' : (size / 1e6).toFixed(0)} MB`);
        done(undefined, chunk);
      },
    });
    if (response.body === null) throw new HttpTrouble('MP315', 'empty answer', true);
    await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(unfinished)).catch((error: unknown) => {
      // A full disk is no fault of the network's.
      if (error instanceof Error && 'code' in error && /^(ENOSPC|EDQUOT|EROFS|EFBIG)$/.test(String(error.code)))
        throw error;
      throw transportTrouble(error, bounded);
    });
    if (!Number.isNaN(size) && received !== size)
      throw new HttpTrouble('MP315', `truncated: ${received} of ${size} bytes`, true);
  }).catch(async (error: unknown) => {
    await rm(unfinished, { force: true });
    throw error;
  });
  await rename(unfinished, file);
}

async function fetching<T>(url: string, signal: AbortSignal, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    return await retrying({ within: fetchWithin, signal }, attempt);
  } catch (error) {
    signal.throwIfAborted();
    const code = error instanceof HttpTrouble ? error.code : undefined;
    throw new MeshproofError('MP302', {
      what: `could not fetch ${url}`,
      seen: error instanceof Error ? error.message : String(error),
      ...(code === undefined ? {} : { remedy: catalogue[code].remedy }),
      cause: error,
    });
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
