import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../assets/package-files.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { largest, pathInside, readInside, writeInside } from '../tape/run-folder.ts';

const results = 'allure-results';
/** The files that allure-vitest writes; Allure reads no others of ours. */
const ours = /^[\w-]+-(result|container|attachment)(\.\w+)?$/;

/**
 * Makes the static HTML of a run's Allure results, one file that needs neither a server nor the network:
 * `allure-report/index.html`.
 *
 * Allure takes a file `allurerc.js` of the folder that it works in as its configuration, and so as a program. The run
 * may come from somebody else, so Allure works in a folder of its own, on copies of the results.
 *
 * @param run folder of the run, with `allure-results/` in it
 * @throws MeshproofError MP712 with Allure's words; MP720 and MP721 for a folder that no run wrote.
 */
export async function generateAllureReport(run: string): Promise<void> {
  const folder = resolve(run);
  const workshop = await mkdtemp(join(tmpdir(), 'meshproof-allure-'));
  try {
    await copyResults(folder, join(workshop, results));
    const options = [
      '--single-file',
      '--group-by',
      'epic,feature',
      '--report-name',
      'meshproof',
      '--report-language',
      'en',
      '--output',
      join(workshop, 'report'),
    ];
    // Wherever npm put the program: beside this package, or above it.
    const { failed, all } = await execa('allure', ['awesome', join(workshop, results), ...options], {
      preferLocal: true,
      localDir: packageRoot,
      cwd: workshop,
      env: { ALLURE_NO_ANALYTICS: '1' },
      timeout: 60_000,
      reject: false,
      all: true,
    });
    if (failed)
      throw new MeshproofError('MP712', { what: 'Allure made no report of this run', where: folder, seen: all });
    await mkdir(join(folder, 'allure-report'), { recursive: true });
    const target = await pathInside(folder, 'allure-report');
    await writeInside(join(target, 'index.html'), await readFile(join(workshop, 'report', 'index.html'), 'utf8'));
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

async function copyResults(folder: string, target: string): Promise<void> {
  await mkdir(target);
  const from = await pathInside(folder, results);
  for (const name of await readdir(from)) {
    if (!ours.test(name)) continue;
    const text = await readInside(folder, join(results, name), largest.record);
    await writeFile(join(target, name), /-(result|container)\.json$/.test(name) ? withoutMarkup(text) : text);
  }
}

/**
 * A result as meshproof writes it: plain text everywhere, and nothing that a browser would run or load. A broken one is
 * left as it is.
 */
function withoutMarkup(text: string): string {
  try {
    return JSON.stringify(
      JSON.parse(text, (key, value: unknown) => {
        if (key === 'descriptionHtml' || key === 'links') return undefined;
        return Array.isArray(value) && key === 'attachments' ? value.map(asPlainText) : value;
      }),
    );
  } catch {
    // Allure says which results it cannot read.
    return text;
  }
}

const asPlainText = (attachment: unknown): unknown =>
  typeof attachment === 'object' && attachment !== null ? { ...attachment, type: 'text/plain' } : attachment;
