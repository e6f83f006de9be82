/**
 * Compiles the harness and its scenarios to JavaScript. `npm run build` makes `lib/`, which is what the package holds;
 * in a clone the command line makes `.build/<state of the sources>/` for itself whenever a source changed, which takes
 * less than a second. JavaScript itself, because it runs before anything is compiled.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const builds = join(root, '.build');
/**
 * Builds of older sources are kept this long, in milliseconds: a run that began with one may still load parts of it.
 */
const keptFor = 12 * 60 * 60 * 1000;
/** How a clone that may not be written to refuses. */
const readOnly = ['EACCES', 'EROFS', 'EPERM'];

/** Modules that something outside of the build loads by their path: Node, vitest, and whoever imports the package. */
const entries = [
  'harness/cli/main.ts',
  'harness/index.ts',
  'harness/config/define-config.ts',
  'harness/scenario/vitest-setup.ts',
  'harness/environment/kept-environment.ts',
];

/**
 * Dependencies that every command loads, and the Kubernetes client, which each process of a run does. They are compiled
 * in, since reading their two thousand files takes longer than most commands do; all others stay packages of their own,
 * which are loaded when something needs them.
 */
const compiledIn = ['@kubernetes/client-node', 'commander', 'execa', 'ipaddr.js', 'p-limit', 'p-retry', 'yaml', 'zod'];

/** Every TypeScript file below a folder that is compiled, by its path. Node's own recursion takes six times as long. */
function sourcesIn(folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  const files = entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sourcesIn(path);
    return path.endsWith('.ts') && !/\.(test|slow)\.ts$/.test(path) ? [path] : [];
  });
  return files.sort();
}

/**
 * The build of the sources as they are now; it is made if it is not there. Any number of processes may ask at once.
 *
 * @returns its folder, or undefined where the clone cannot be written to
 */
export async function currentBuild() {
  const state = createHash('sha256').update(process.version);
  for (const file of [...sourcesIn('harness'), ...sourcesIn('scenarios'), 'scripts/build.js', 'package.json']) {
    const { mtimeMs, size } = statSync(join(root, file));
    state.update(`${file}:${mtimeMs}:${size}\n`);
  }
  const folder = join(builds, state.digest('hex').slice(0, 16));
  if (existsSync(folder)) return folder;
  let partial;
  try {
    // Not `recursive`: on a read-only file system that fails with ENOENT, which says nothing.
    if (!existsSync(builds)) mkdirSync(builds);
  } catch (error) {
    if (readOnly.includes(error.code)) return undefined;
    // Another process was faster.
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    partial = mkdtempSync(join(builds, 'partial-'));
  } catch (error) {
    if (readOnly.includes(error.code)) return undefined;
    throw error;
  }
  try {
    await compile(partial);
    // A temporary folder is its maker's alone; the clone's other users run what it holds.
    chmodSync(partial, 0o755);
    renameSync(partial, folder);
  } catch (error) {
    // Another process was faster; its build is the same.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  for (const name of readdirSync(builds)) {
    const other = join(builds, name);
    const age = Date.now() - (statSync(other, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (other !== folder && age > keptFor) rmSync(other, { recursive: true, force: true });
  }
  return folder;
}

/** Names of the packages that the compiled code imports, as esbuild takes them. */
function packagesBeside() {
  const { dependencies, peerDependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  return Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies })
    .filter((name) => !compiledIn.includes(name))
    .flatMap((name) => [name, `${name}/*`]);
}

/**
 * Compiles everything into a folder, with a list of the scenarios that shows them without loading one.
 *
 * @returns the files that went into it, below the root
 */
async function compile(folder) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...entries, ...sourcesIn('scenarios')],
    outdir: folder,
    outbase: root,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: packagesBeside(),
    // What is compiled in may ask Node for its own modules by require().
    banner: { js: "import { createRequire as $create } from 'node:module'; const require = $create(import.meta.url);" },
    metafile: true,
    logLevel: 'silent',
  });
  const scenarios = [];
  for (const file of sourcesIn('scenarios')) {
    const compiled = join(folder, file.replace(/\.ts$/, '.js'));
    scenarios.push((await import(pathToFileURL(compiled).href)).default.meta);
  }
  const rank = ({ plays, needs }) => (plays === 'first' ? -1 : plays === 'last' ? 2 : needs.ownsMesh === true ? 1 : 0);
  scenarios.sort((a, b) => rank(a) - rank(b));
  writeFileSync(join(folder, 'scenarios.json'), JSON.stringify(scenarios));
  return Object.keys(metafile.inputs);
}

/** The licences of what is compiled in, which ask to be kept with every copy. */
function licencesOf(inputs) {
  const packages = new Set(
    inputs.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  );
  return [...packages].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((one) => /^licen[cs]e/i.test(one));
    const text = file === undefined ? '' : readFileSync(join(root, folder, file), 'utf8').trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
}

/** Makes `lib/` anew, with declarations. */
async function buildPackage() {
  const folder = join(root, 'lib');
  rmSync(folder, { recursive: true, force: true });
  const inputs = await compile(folder);
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licencesOf(inputs).join(`\n${'-'.repeat(80)}\n\n`));
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '--project', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPackage();
