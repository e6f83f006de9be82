import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { MeshproofError } from '../errors/meshproof-error.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/**
 * Makes the static HTML of a run's Allure results, one file that needs neither a server nor the network: `allure-report/index.html`.
 *
 * @param run folder of the run, with `allure-results/` in it
 * @throws MeshproofError MP712 with Allure's words.
 */
export async function generateAllureReport(run: string): Promise<void> {
  // Allure runs inside of the folder, where a path that is relative to here would lead elsewhere.
  const folder = resolve(run);
  const options = [
    '--single-file',
    '--group-by',
    'epic,feature',
    '--report-name',
    'meshproof',
    '--report-language',
    'en',
    '--output',
    join(folder, 'allure-report'),
  ];
  // Wherever npm put the program: beside this package, or above it.
  const { failed, all } = await execa('allure', ['awesome', join(folder, 'allure-results'), ...options], {
    preferLocal: true,
    localDir: here,
    cwd: folder,
    env: { ALLURE_NO_ANALYTICS: '1' },
    timeout: 60_000,
    reject: false,
    all: true,
  });
  if (failed)
    throw new MeshproofError('MP712', { what: 'Allure made no report of this run', where: folder, seen: all });
}
