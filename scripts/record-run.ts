/**
 * Maintainers' script: packs the record and evidence of a run into fixtures/runs/<name>.json.br, for the tests of
 * replay and diagnose. What names the machine that it ran on is replaced; everything else stays as it was recorded.
 *
 * `npx tsx scripts/record-run.ts <run folder> <name>`
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { argv, echo } from 'zx';

const [folder = '', name = ''] = argv._;
const root = new URL('..', import.meta.url).pathname.replace(/\/$/, '');
const neutral = (text: string): string =>
  text
    .replaceAll(root, '/meshproof')
    .replaceAll(homedir(), '/home/user')
    .replaceAll(/\/[^"\\\s]+\/reports\/(?=\d{8}-)/g, '/meshproof/reports/')
    .replaceAll(
      /\b[a-z0-9-]+(\.[a-z0-9-]+)*\.(io|com|dev)\/(?=(coredns|kube|etcd|pause|meshproof|library)\b)/g,
      'registry.example/',
    );

const entries = await readdir(join(folder, 'evidence'), { recursive: true, withFileTypes: true });
const evidence = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
const files: Record<string, string> = {};
for (const file of [join(folder, 'run.json'), ...evidence].sort())
  files[relative(folder, file)] = neutral(await readFile(file, 'utf8'));
const text = JSON.stringify(files);
// The window holds several dumps, which are nearly alike.
const packed = brotliCompressSync(text, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
  },
});
const target = join(root, 'fixtures', 'runs', `${name}.json.br`);
await writeFile(target, packed);
echo(
  `${target}: ${Object.keys(files).length} files, ${(text.length / 1e6).toFixed(1)} MB in ` +
    `${(packed.length / 1e3).toFixed(0)} KB`,
);
