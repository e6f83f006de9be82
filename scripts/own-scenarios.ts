/**
 * Maintainers' script: what somebody has who takes meshproof as a dependency. Packs it as npm would publish it,
 * installs the package in an empty folder, lays the repository of `meshproof init` out there, and plays its scenario on
 * an environment of its own that is kept meanwhile. It says how long a first verdict takes there.
 *
 * `npm run conformance:own [-- <options of run>]`
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $, echo } from 'zx';
import { packageRoot } from '../harness/assets/package-files.ts';

const folder = await mkdtemp(join(tmpdir(), 'meshproof-own-'));
const source = $({ cwd: packageRoot });
const there = $({ cwd: folder, stdio: 'inherit' });

/** Runs something, and says how many seconds it took. */
async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: number }> {
  const begun = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - begun) / 1000 };
}

try {
  await source`npm run --silent build`;
  const packed = (await source`npm pack --silent --pack-destination ${folder}`).stdout.trim();
  await writeFile(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  await there`npm install --no-audit --no-fund --ignore-scripts ${join(folder, packed)}`;
  const init = await timed(() => there`npx meshproof init`);
  // A name of its own: an environment that somebody keeps under the usual one stays as it is.
  const config = join(folder, 'meshproof.config.ts');
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace('defineConfig({', "defineConfig({\n  name: 'own-scenarios',"));
  try {
    await there`npx meshproof up`;
    const run = await timed(() => there({ nothrow: true })`npx meshproof run --reuse ${process.argv.slice(2)}`);
    const { exitCode } = run.value;
    const lines = (await readFile(join(folder, 'mesh-tests/first.scenario.ts'), 'utf8')).trim().split('\n').length;
    const seconds = (init.seconds + run.seconds).toFixed(1);
    echo(
      `exit code ${exitCode ?? 1}; from \`meshproof init\` to its verdict ${seconds} s, by a scenario of ` +
        `${lines} lines`,
    );
    process.exitCode = exitCode ?? 1;
  } finally {
    await there`npx meshproof down`;
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
