/**
 * Prints how long each phase of a run took, from its run.json. `npm run bench` shows the latest run, `npm run bench -- <folder> …` others
 * side by side.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { phases, phaseSeconds } from '../harness/report/run-data.ts';
import { RunRecord } from '../harness/run/run-record.ts';

const given = process.argv.slice(2);
const folders = given.length > 0 ? given : [await latest('reports')];
const records = await Promise.all(folders.map((folder) => RunRecord.open(folder)));
const columns = records.map(({ data }) => {
  const seconds = phaseSeconds(data);
  const gigabytes = (bytes: number | undefined): string =>
    bytes === undefined ? '–' : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return [
    ...[...phases, 'total'].map((phase) => (seconds[phase] === undefined ? '–' : `${seconds[phase].toFixed(1)} s`)),
    gigabytes(data.peakMemoryBytes),
    gigabytes(data.cacheBytes),
    data.verdict,
  ];
});
const names = [...phases, 'total', 'peak memory', 'cache on disk', 'verdict'];
process.stdout.write(
  `${['phase', ...records.map(({ data }) => data.run)].join(' | ')}\n${['---', ...records.map(() => '---:')].join(' | ')}\n`,
);
for (const [row, name] of names.entries())
  process.stdout.write(`${[name, ...columns.map((column) => column[row])].join(' | ')}\n`);
process.stdout.write('\nPhases overlap (metallb and mesh run side by side), so they add up to more than the total.\n');

async function latest(reports: string): Promise<string> {
  const runs = (await readdir(reports, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  const last = runs.at(-1);
  if (last === undefined) throw new Error(`no run in ${reports}/`);
  return join(reports, last);
}
