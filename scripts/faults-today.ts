/**
 * Maintainers' script, part of CI: brings an environment of its own up, puts an eighth of all faults into it, another
 * one every day, sees that each is noticed and its cause named, and takes the environment down. It ends with the line
 * of `fault run --json`.
 *
 * `npm run faults:today [-- --part 3/8]`
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { packageRoot } from '../harness/assets/package-files.ts';

const parts = 8;
const day = Math.floor(Date.now() / (24 * 60 * 60 * 1000));
const { values: flags } = parseArgs({
  options: { part: { type: 'string', default: `${(day % parts) + 1}/${parts}` } },
});

const folder = await mkdtemp(join(tmpdir(), 'meshproof-faults-'));
// A name of its own: an environment that somebody keeps under the usual one stays as it is.
const config = join(folder, 'meshproof.yaml');
await writeFile(config, `name: faults-today\nreports: ${join(packageRoot, 'reports')}\n`);
const bin = join(packageRoot, 'harness', 'cli', 'bin.js');

async function meshproof(...args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }> {
  const { exitCode = 1, stdout } = await execa(process.execPath, [bin, '--config', config, ...args], {
    cwd: packageRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
    reject: false,
  });
  return { code: exitCode, stdout };
}

try {
  const up = await meshproof('up');
  const run = up.code === 0 ? await meshproof('fault', 'run', '--all', '--part', flags.part, '--json') : up;
  process.stdout.write(`${run.stdout.trim().split('\n').at(-1) ?? ''}\n`);
  process.exitCode = run.code;
} finally {
  const down = await meshproof('down');
  if (down.code !== 0) process.exitCode = down.code;
  await rm(folder, { recursive: true, force: true });
}
