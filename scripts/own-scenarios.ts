/**
 * Maintainers' script: what somebody has who takes meshproof as a dependency. Packs it as npm would publish it, lays
 * the repository of `meshproof init` out in an empty folder, installs the package there, and plays its scenario on
 * clusters of its own.
 *
 * `npm run conformance:own [-- <options of run>]`
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $, echo } from 'zx';
import { packageRoot } from '../harness/assets/package-files.ts';

const folder = await mkdtemp(join(tmpdir(), 'meshproof-own-'));
try {
  const source = $({ cwd: packageRoot });
  const there = $({ cwd: folder, stdio: 'inherit' });
  await source`npm run --silent build`;
  const packed = (await source`npm pack --silent --pack-destination ${folder}`).stdout.trim();
  await writeFile(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  await there`npm install --no-audit --no-fund --ignore-scripts ${join(folder, packed)}`;
  await there`npx meshproof init`;
  const begun = performance.now();
  const { exitCode } = await there({ nothrow: true })`npx meshproof run ${process.argv.slice(2)}`;
  echo(`exit code ${exitCode ?? 1} after ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  process.exitCode = exitCode ?? 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
