/**
 * Maintainers' script: how much memory `meshproof diagnose` takes for dumps as large fleets have them. Made of the
 * recorded ones: a dump of so many megabytes, or many dumps of which one is cut off. `npx tsx scripts/measure-dumps.ts
 * <megabytes> [count]`
 */
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { echo } from 'zx';

const [megabytes = 100, count = 1] = process.argv.slice(2).map(Number);
const root = new URL('..', import.meta.url).pathname;
const read = async (name: string): Promise<string> =>
  await readFile(join(root, 'fixtures', 'config-dumps', `${name}.json`), 'utf8');

/** The dump with the resources of its lists again and again, each time under another name, until it has the size. */
function grown(text: string, size: number): string {
  const dump = JSON.parse(text) as { configs: Record<string, unknown>[] };
  const times = Math.ceil(size / text.length);
  for (const section of dump.configs)
    for (const [key, value] of Object.entries(section)) {
      if (!Array.isArray(value) || !key.startsWith('dynamic')) continue;
      const items = value.map((item: unknown) => JSON.stringify(item));
      const more = Array.from({ length: times }, (_, at) =>
        items.map((item) => JSON.parse(item.replaceAll('httpbin.bar.global', `h${at}.bar.global`)) as unknown),
      );
      section[key] = [...(value as unknown[]), ...more.flat()];
    }
  return JSON.stringify(dump, undefined, 1);
}

/** Loaded before the command: says at its end how much memory it had at most. */
const tellPeak =
  'data:text/javascript,process.on("exit",()=>console.error(`peak ' +
  '${Math.round(process.resourceUsage().maxRSS/1024)} MiB`))';

const folder = await mkdtemp(join(tmpdir(), 'meshproof-dumps-'));
try {
  const [sidecar, gateway] = [await read('sleep'), await read('ingress-gateway')];
  const large = grown(sidecar, megabytes * 1e6);
  for (let at = 0; at < count; at += 1) {
    const place = join(folder, 'west', 'proxies', 'foo', `sleep-${at}`);
    await mkdir(place, { recursive: true });
    const own = large.replace(
      /"id": "sidecar~([^~]+)~[^"]+"/,
      (_all, address: string) => `"id": "sidecar~${address}~sleep-${at}.foo~foo.svc.cluster.local"`,
    );
    await writeFile(join(place, 'config_dump'), own);
    if (count > 1 && at === Math.floor(count / 2))
      await truncate(join(place, 'config_dump'), Math.floor(own.length / 2));
  }
  await mkdir(join(folder, 'east'));
  await writeFile(join(folder, 'east', 'config_dump'), gateway);
  const started = performance.now();
  const { stdout, stderr, exitCode } = await execa(
    process.execPath,
    [
      '--max-old-space-size=900',
      '--import',
      tellPeak,
      join(root, 'harness/cli/bin.js'),
      'diagnose',
      folder,
      '--host',
      'httpbin.bar.global:8000',
    ],
    { reject: false },
  );
  echo(stdout.split('\n').slice(-2).join('\n'));
  echo(stderr);
  echo(
    `exit code ${exitCode ?? 'none'}, ${(large.length / 1e6).toFixed(0)} MB each, ${count} of them, ` +
      `${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
} finally {
  await rm(folder, { recursive: true });
}
