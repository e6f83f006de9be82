import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { redact } from '../tape/redact/value.ts';
import { largest, readInside } from '../tape/run-folder.ts';
import { anyOf } from '../text/any-of.ts';

/** What of a run folder is handed on. Plans and tools' own pages are made again where they are needed. */
const shared = new RegExp(
  `^(${anyOf(
    /run\.json|report\.html|conformance\.yaml|walkthrough\.md|junit\.xml|diff\.(md|json)/,
    /(evidence|allure-results)[/\\].+/,
  )})$`,
);

/**
 * Bounds of an archive: how many entries, how many bytes in all, how long a name, how many bytes of headers between two
 * entries.
 */
export type Bounds = Readonly<Record<'entries' | 'bytes' | 'name' | 'header', number>>;

/** Bounds of an archive that is read: whatever is larger, no run wrote. */
const bounds: Bounds = { entries: 50_000, bytes: 2 * 1024 ** 3, name: 500, header: 1024 ** 2 };

export interface Archive {
  readonly file: string;
  /** SHA-256 of the file, lower-case hex: who gets it can see that it is the one that was sent. */
  readonly digest: string;
  readonly files: number;
}

/**
 * Packs a run into one file that can be handed on: its record, its reports and its evidence. Everything passes the
 * redactor once more, so that a run of an older version can be shared as well. The same run gives the same bytes.
 *
 * @param folder of the run
 * @param run its name, which becomes the folder inside of the archive
 * @param target the .tar.gz to write
 * @throws MeshproofError MP720 and MP721 for a folder that no run wrote.
 */
export async function archiveRun(folder: string, run: string, target: string): Promise<Archive> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((name) => shared.test(name) && !name.split(sep).some((step) => step.startsWith('.')))
    .sort();
  const unfinished = `${target}.${process.pid}`;
  const tar = pack();
  const writing = pipeline(tar, createGzip({ level: 9 }), createWriteStream(unfinished, { flags: 'wx', mode: 0o600 }));
  try {
    for (const name of names) {
      const content = Buffer.from(cleaned(name, await readInside(folder, name, largest.answer)));
      const header = {
        name: `${safe(run)}/${name.replaceAll(sep, '/')}`,
        size: content.length,
        mode: 0o644,
        mtime: new Date(0),
        uid: 0,
        gid: 0,
      };
      await new Promise<void>((resolve, reject) => {
        tar.entry(header, content, (error) => {
          if (error == null) resolve();
          else reject(error);
        });
        // A disk that is full ends the writing, and with it the reading.
        writing.catch(reject);
      });
    }
    tar.finalize();
    await writing;
    await rename(unfinished, target);
  } finally {
    await rm(unfinished, { force: true });
  }
  return { file: target, digest: await digestOf(target), files: names.length };
}

/** A file without what must not be written down; files of JSON by what they hold, one or a line for each. */
function cleaned(name: string, text: string): string {
  if (name.endsWith('.jsonl'))
    return text
      .split('\n')
      .map((line) => redact(line))
      .join('\n');
  return redact(text);
}

const safe = (name: string): string => name.replaceAll(/[^\w-]+/g, '-');

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** True for what is read as an archive: by its name. */
export const isArchive = (path: string): boolean => /\.(tar\.gz|tgz)$/.test(path);

/**
 * Unpacks an archive into a folder of its own, for one piece of work. Only regular files and folders with plain names
 * below the top come out; anything else ends it.
 *
 * @param work gets the folder that holds what was packed
 * @throws MeshproofError MP722 for an archive with links, devices, paths that lead out of it, or more than a run
 *   writes; or one that is cut off.
 */
export async function withUnpacked<T>(
  archive: string,
  work: (folder: string) => Promise<T>,
  within: Bounds = bounds,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'meshproof-archive-'));
  try {
    await unpack(archive, folder, within);
    const [only, ...more] = await readdir(folder, { withFileTypes: true });
    return await work(more.length === 0 && only?.isDirectory() === true ? join(folder, only.name) : folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function unpack(archive: string, folder: string, within: Bounds): Promise<void> {
  const refuse = (seen: string, cause?: unknown): MeshproofError =>
    new MeshproofError('MP722', { what: 'the archive was not unpacked', where: archive, seen, cause });
  const tar = extract();
  let [entries, bytes, sinceEntry] = [0, 0, 0];
  // Headers may be as large as files, and are held in memory: what comes between two entries has the bound of one.
  async function* bounded(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      sinceEntry += chunk.length;
      if (sinceEntry > largest.answer + within.header) throw refuse('an entry larger than any that a run writes');
      yield chunk;
    }
  }
  const reading = pipeline(createReadStream(archive), createGunzip(), bounded, tar);
  // Whoever reads the entries meets the error there.
  reading.catch(() => undefined);
  try {
    for await (const entry of tar) {
      const { name, type, size } = entry.header;
      entries += 1;
      sinceEntry = 0;
      bytes += size;
      if (entries > within.entries) throw refuse(`more than ${within.entries} entries`);
      if (bytes > within.bytes || size > largest.answer) throw refuse(`${name} makes it larger than any run`);
      const steps = name.replace(/^\.\//, '').replace(/\/$/, '').split('/');
      if (name.length > within.name || /[\\\0]/.test(name) || steps.some((step) => /^(\.{0,2})$/.test(step)))
        throw refuse(`an entry named ${JSON.stringify(name.slice(0, 200))}`);
      if (type !== 'file' && type !== 'directory') throw refuse(`a ${type} named ${JSON.stringify(name)}`);
      const target = join(folder, ...steps);
      await mkdir(type === 'directory' ? target : dirname(target), { recursive: true });
      const parts: Buffer[] = [];
      for await (const part of entry) parts.push(part as Buffer);
      // Two entries of one name would make of it what the reader of a list does not expect.
      if (type === 'file') await writeFile(target, Buffer.concat(parts), { flag: 'wx' });
    }
    await reading;
  } catch (error) {
    tar.destroy();
    if (error instanceof MeshproofError) throw error;
    throw refuse(error instanceof Error ? error.message : String(error), error);
  }
}
