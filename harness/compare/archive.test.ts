import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canaries, found } from '../tape/redact/canaries.ts';
import { unpackRun } from '../../fixtures/runs/recorded-run.ts';
import { replay } from './replay.ts';
import { archiveRun, withUnpacked } from '../report/archive.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-archive-test-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('a run in one file', () => {
  test('replays as the run does, has the digest that is reported, and is the same file each time', async () => {
    const run = await unpackRun('fault-tls');
    await writeFile(join(run, 'plan.json'), '{"mirror":"https://user:password@mirror.example"}');
    const [first, second] = [join(folder, 'one.tar.gz'), join(folder, 'two.tar.gz')];
    const { digest, files } = await archiveRun(run, '20260101-000000-1', first);
    expect(await archiveRun(run, '20260101-000000-1', second)).toMatchObject({ digest, files });
    expect(
      createHash('sha256')
        .update(await readFile(first))
        .digest('hex'),
    ).toBe(digest);
    expect((await stat(first)).mode & 0o077).toBe(0);
    const seen = await withUnpacked(first, async (inside) => {
      expect((await readdir(inside)).sort()).toEqual(['evidence', 'run.json']);
      return await replay(inside);
    });
    expect(seen.differences).toEqual([]);
    await rm(run, { recursive: true });
  });

  test('holds no secret, also of a run that was recorded before there was a redactor', async () => {
    const planted = canaries('arch1');
    const run = await unpackRun('fault-tls');
    const evidence = join(run, 'evidence', 'direct-sidecar');
    const { authorization, caKey, header, token, annotation, query } = planted;
    await writeFile(
      join(evidence, '900-x.json'),
      JSON.stringify({ headers: { 'x-team': header.secret, authorization: authorization.secret } }, undefined, 1),
    );
    await writeFile(
      join(evidence, '901-x.yaml'),
      `key: |\n  ${caKey.secret.replaceAll('\n', '\n  ')}\ntoken: ${token.secret}\n`,
    );
    await writeFile(join(evidence, '902-x.log'), `GET /x?access=${query.secret} HTTP/1.1\n`);
    const tape = join(evidence, 'tape.jsonl');
    const line = {
      during: '',
      question: 'x',
      index: 0,
      answer: { metadata: { annotations: { 'team/x': annotation.secret } } },
    };
    await writeFile(tape, `${await readFile(tape, 'utf8')}${JSON.stringify(line)}\n`);
    const { file } = await archiveRun(run, 'x', join(folder, 'x.tar.gz'));
    expect(found(gunzipSync(await readFile(file)).toString(), planted)).toEqual([]);
    await rm(run, { recursive: true });
  });

  test('takes nothing from outside of the run', async () => {
    const run = await unpackRun('fault-tls');
    await symlink('/etc/passwd', join(run, 'evidence', 'passwd'));
    await expect(archiveRun(run, 'x', join(folder, 'x.tar.gz'))).rejects.toThrow(
      expect.objectContaining({ code: 'MP720' }),
    );
    expect(await readdir(folder)).toEqual([]);
    await rm(run, { recursive: true });
  });
});

/** An archive with these entries. */
async function archived(
  entries: readonly (Header & { readonly text?: string; readonly linkname?: string })[],
): Promise<string> {
  const tar = pack();
  const parts: Buffer[] = [];
  tar.on('data', (part: Buffer) => parts.push(part));
  const ended = new Promise((resolve) => tar.on('end', resolve));
  for (const { text = '', ...header } of entries)
    await new Promise<void>((resolve) =>
      tar.entry(header, Buffer.from(text), () => {
        resolve();
      }),
    );
  tar.finalize();
  await ended;
  const file = join(folder, 'hostile.tar.gz');
  await writeFile(file, gzipSync(Buffer.concat(parts)));
  return file;
}

describe('an archive that somebody sends', () => {
  const refused = expect.objectContaining({ code: 'MP722' });
  const target = '/tmp/meshproof-climbed-out';

  test.each([
    ['a path that climbs out', [{ name: 'x/../../../../../../tmp/meshproof-climbed-out', text: 'x' }]],
    ['an absolute path', [{ name: target, text: 'x' }]],
    [
      'a link',
      [
        { name: 'x/link', type: 'symlink', linkname: '/tmp' },
        { name: 'x/link/meshproof-climbed-out', text: 'x' },
      ],
    ],
    ['a hard link', [{ name: 'x/link', type: 'link', linkname: '/etc/passwd' }]],
    ['a device', [{ name: 'x/device', type: 'character-device' }]],
    ['a pipe', [{ name: 'x/pipe', type: 'fifo' }]],
    [
      'one name twice',
      [
        { name: 'x/run.json', text: 'a' },
        { name: 'x/run.json', text: 'b' },
      ],
    ],
    [
      'a file as a folder',
      [
        { name: 'x/run.json', text: 'a' },
        { name: 'x/run.json/y', text: 'b' },
      ],
    ],
    ['a dot', [{ name: 'x/./y', text: 'a' }]],
  ])('with %s is refused', async (_what, entries) => {
    await expect(withUnpacked(await archived(entries), () => Promise.resolve('used'))).rejects.toThrow(refused);
    expect(existsSync(target)).toBe(false);
  });

  test('that is cut off, or no archive at all, is refused', async () => {
    const file = await archived([{ name: 'x/a', text: 'a'.repeat(10_000) }]);
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, whole.length / 2));
    await expect(withUnpacked(file, () => Promise.resolve())).rejects.toThrow(refused);
    await writeFile(file, 'no archive');
    await expect(withUnpacked(file, () => Promise.resolve())).rejects.toThrow(refused);
  });

  test('that is a bomb is refused before it is unpacked', async () => {
    const file = await archived([{ name: 'x/bomb', text: 'x' }]);
    // The header alone says how large the file is to become: 7 GiB, with its checksum.
    const header = gunzipSync(await readFile(file)).subarray(0, 512);
    header.write('70000000000\0', 124);
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    await writeFile(file, gzipSync(header));
    await expect(withUnpacked(file, () => Promise.resolve())).rejects.toThrow(refused);
    const few = { entries: 3, bytes: 1_000, name: 100, header: 10_000 };
    const entries = (count: number): Promise<string> =>
      archived(Array.from({ length: count }, (_, at) => ({ name: `x/${at}`, text: 'x'.repeat(100) })));
    expect(await withUnpacked(await entries(3), (inside) => readdir(inside), few)).toHaveLength(3);
    await expect(withUnpacked(await entries(4), () => Promise.resolve(), few)).rejects.toThrow(refused);
    await expect(withUnpacked(await entries(3), () => Promise.resolve(), { ...few, bytes: 299 })).rejects.toThrow(
      refused,
    );
  });
});
