// What `doctor --json` said, a line a mesh, as what the later steps need: keys of the caches, the folder of
// the reports, the artefact's name.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [file] = process.argv.slice(2);
const { ARTIFACT = '', GITHUB_JOB = '', MATRIX_PLACE = '', GITHUB_RUN_ATTEMPT = '1', USE = '1' } = process.env;
const plans = readFileSync(file ?? '', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line));
const components = plans.flatMap((plan) => plan.components);

// The store holds what the toolchain's files say how to make, of these versions.
const toolchain = fileURLToPath(new URL('../../../harness/toolchain/', import.meta.url));
const store = createHash('sha256');
for (const name of readdirSync(toolchain, { recursive: true }).map(String).sort())
  if (/\.(ts|go|mod|sum)$/.test(name) && !name.endsWith('.test.ts'))
    store
      .update(`${name}\0`)
      .update(readFileSync(`${toolchain}${name}`))
      .update('\0');
for (const { name, version } of components) store.update(`${name} ${version}\n`);

// Two meshes have two node images, of which the second replaces the first: only one is worth keeping.
const images = new Set(components.flatMap(({ image }) => (image === undefined ? [] : [image])));
const [image = ''] = images.size === 1 && plans[0]?.engine === 'user' ? images : [];

// One name for each job of a matrix, each attempt, and each use of the action in one job.
const artifact = [ARTIFACT, GITHUB_JOB, MATRIX_PLACE, GITHUB_RUN_ATTEMPT, USE === '1' ? '' : USE]
  .filter((part) => part !== '')
  .join('-');
const outputs = { store: store.digest('hex').slice(0, 32), image, reports: plans[0]?.reports ?? 'reports', artifact };
for (const [name, value] of Object.entries(outputs)) process.stdout.write(`${name}=${value}\n`);
