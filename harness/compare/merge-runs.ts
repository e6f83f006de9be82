import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { describeError, MeshproofError } from '../errors/meshproof-error.ts';
import { phaseSeconds, verdictOfRun, type RunData } from '../report/run-data.ts';
import { isMissing, largest, readInside, writeInside } from '../tape/run-folder.ts';
import { openRun } from '../run/record/open-run.ts';
import { keepScenarioEnvironment } from '../run/record/run-environment.ts';
import { RunRecord } from '../run/record/run-record.ts';

/**
 * Makes one run of several that share its scenarios: the shards of a CI matrix, each on a machine of its own. The new
 * run has all claims, all evidence and one verdict. A shard that is missing, or did not come to its end, is an error of
 * the whole: what was not looked at is not proven.
 *
 * @param folders of the runs, in any order
 * @param reports where the new run's folder is made
 * @returns the record of the new run
 * @throws MeshproofError MP710 for a folder without a run; MP723 for runs that do not belong together, before anything
 *   is written; MP720 and MP721 for a folder that no run wrote.
 */
export async function mergeRuns(folders: readonly string[], reports: string): Promise<RunRecord> {
  const runs = await Promise.all(folders.map((folder) => openRun(folder)));
  const parts = runs
    .map(({ data }) => data)
    .sort((left, right) => (left.shard?.index ?? 0) - (right.shard?.index ?? 0));
  const [first] = parts;
  if (first === undefined) throw new MeshproofError('MP723', { what: 'there is nothing to merge' });
  expectOneRun(parts);

  const { command, provider, clusters } = first;
  const record = await RunRecord.begin(reports, { command, provider, clusters });
  try {
    for (const run of runs) await copyEvidence(run, record.folder);
  } catch (error) {
    // Half of the evidence is no run.
    await rm(record.folder, { recursive: true });
    throw error;
  }
  const scenarios = parts.flatMap((part) => part.scenarios);
  const incomplete = incompleteness(parts);
  const error = incomplete ?? parts.find((part) => part.error !== undefined)?.error;
  await record.save({
    ...wholeTime(parts),
    ...machines(parts),
    scenarios,
    ...(error === undefined ? {} : { error }),
    verdict: error === undefined ? verdictOfRun({ scenarios }) : 'error',
    ...(first.versions === undefined ? {} : { versions: first.versions }),
    setUp: parts.find(({ setUp }) => setUp.length > 0)?.setUp ?? [],
    process: undefined,
    merged: parts.map((part) => ({
      run: part.run,
      verdict: part.verdict,
      seconds: phaseSeconds(part)['total'] ?? 0,
      scenarios: part.scenarios.length,
      ...(part.shard === undefined ? {} : { shard: formatShard(part.shard) }),
    })),
  });
  return record;
}

const formatShard = ({ index, count }: NonNullable<RunData['shard']>): string => `${index}/${count}`;

/** @throws MeshproofError MP723 */
function expectOneRun(parts: readonly RunData[]): void {
  // A part that failed before it had a toolchain has no versions to compare.
  const facts: readonly (readonly [string, (part: RunData) => string | undefined])[] = [
    ['provider', ({ provider }) => provider],
    ['clusters', ({ clusters }) => clusters.join(', ')],
    ['Istio', ({ versions }) => versions?.istio],
    ['Kubernetes', ({ versions }) => versions?.kubernetes],
    ['number of shards', ({ shard }) => (shard === undefined ? 'none' : String(shard.count))],
  ];
  for (const [name, factOf] of facts) {
    const values = new Map(
      parts.flatMap((part) => {
        const value = factOf(part);
        return value === undefined ? [] : [[value, part.run] as const];
      }),
    );
    if (values.size > 1)
      throw new MeshproofError('MP723', {
        what: `the runs differ in ${name}`,
        expected: 'parts of one run',
        seen: [...values].map(([value, run]) => `${value} (${run})`).join(', '),
      });
  }
  const places = parts.flatMap(({ shard, run }) => (shard === undefined ? [] : [[formatShard(shard), run] as const]));
  expectOnce('the shard', places);
  expectOnce(
    'the scenario',
    parts.flatMap(({ scenarios, run }) => scenarios.map(({ id }) => [id, run] as const)),
  );
}

function expectOnce(what: string, named: readonly (readonly [name: string, run: string])[]): void {
  const seen = new Map<string, string>();
  for (const [name, run] of named) {
    const other = seen.get(name);
    if (other !== undefined)
      throw new MeshproofError('MP723', { what: `${what} ${name} is there twice`, seen: `in ${other} and in ${run}` });
    seen.set(name, run);
  }
}

/** What keeps the parts from being a whole run: a shard that is not among them, or one without a verdict. */
function incompleteness(parts: readonly RunData[]): RunData['error'] {
  const count = parts[0]?.shard?.count ?? 0;
  const there = new Set(parts.map(({ shard }) => shard?.index));
  const missing = Array.from({ length: count }, (_one, index) => index + 1).filter((index) => !there.has(index));
  const unfinished = parts
    .filter(({ verdict }) => verdict === 'running')
    .map(({ run }) => `${run} says “running” still`);
  const seen = [...missing.map((index) => `no run of shard ${index}/${count}`), ...unfinished];
  if (seen.length === 0) return undefined;
  const error = new MeshproofError('MP724', {
    what: 'the parts are not the whole run',
    expected: count === 0 ? 'runs that have ended' : `${count} shards that have ended`,
    seen: seen.join('; '),
  });
  return { code: error.code, message: describeError(error) };
}

/** When the first of them began, in milliseconds of the epoch: the times of the whole count from there. */
const beginOf = (parts: readonly RunData[]): number => Math.min(...parts.map(({ startedAt }) => Date.parse(startedAt)));
const secondsAfter = (begin: number, { startedAt }: RunData): number => (Date.parse(startedAt) - begin) / 1_000;

/**
 * From the first beginning to the last end; a phase lasts from where the first machine began it to where the last one
 * ended it.
 */
function wholeTime(parts: readonly RunData[]): Pick<RunData, 'startedAt' | 'endedAt' | 'phases'> {
  const begin = beginOf(parts);
  const ends = parts.flatMap(({ endedAt }) => (endedAt === undefined ? [] : [Date.parse(endedAt)]));
  const phases: RunData['phases'] = {};
  for (const part of parts) {
    const later = secondsAfter(begin, part);
    for (const [name, { from, to }] of Object.entries(part.phases) as [
      keyof typeof phases,
      { from: number; to: number },
    ][]) {
      const known = phases[name];
      phases[name] = {
        from: Math.min(known?.from ?? Number.POSITIVE_INFINITY, from + later),
        to: Math.max(known?.to ?? 0, to + later),
      };
    }
  }
  return {
    startedAt: new Date(begin).toISOString(),
    ...(ends.length === 0 ? {} : { endedAt: new Date(Math.max(...ends)).toISOString() }),
    phases,
  };
}

/**
 * What each machine's clusters took: they have the same names on all of them, so the place of the shard is told as
 * well. Times count from the beginning of the whole, as those of phases do.
 */
function machines(
  parts: readonly RunData[],
): Pick<RunData, 'bringUp' | 'clusterMemoryBytes' | 'peakMemoryBytes' | 'pinnedByUser'> {
  const begin = beginOf(parts);
  const named = ({ shard, run }: RunData, cluster: string): string =>
    `${cluster} (${shard === undefined ? run : formatShard(shard)})`;
  const bringUp = parts.flatMap((part) => {
    const later = secondsAfter(begin, part);
    return (part.bringUp ?? []).map(({ cluster, from, to, ...rest }) => ({
      ...rest,
      cluster: named(part, cluster),
      from: from + later,
      to: to + later,
    }));
  });
  const memory = parts.flatMap((part) =>
    Object.entries(part.clusterMemoryBytes ?? {}).map(([cluster, bytes]) => [named(part, cluster), bytes] as const),
  );
  const peaks = parts.flatMap(({ peakMemoryBytes }) => peakMemoryBytes ?? []);
  const pinned = [...new Set(parts.flatMap(({ pinnedByUser = [] }) => pinnedByUser))];
  return {
    ...(bringUp.length === 0 ? {} : { bringUp }),
    ...(memory.length === 0 ? {} : { clusterMemoryBytes: Object.fromEntries(memory) }),
    ...(peaks.length === 0 ? {} : { peakMemoryBytes: Math.max(...peaks) }),
    ...(pinned.length === 0 ? {} : { pinnedByUser: pinned }),
  };
}

/**
 * Copies what a part saw. Its scenarios keep their places; the environment that they were played in goes with each, and
 * what was collected of whole clusters goes below the part's own name. A link, or whatever leads out of the folder, is
 * refused (MP720).
 */
async function copyEvidence({ folder, data }: RunRecord, target: string): Promise<void> {
  const environment = await readInside(folder, join('evidence', 'environment.json'), largest.record).catch(
    (error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    },
  );
  for (const { id } of data.scenarios) {
    await copyFolder(folder, join('evidence', id), target, join('evidence', id));
    if (environment !== undefined) await keepScenarioEnvironment(target, id, environment);
  }
  await copyFolder(folder, join('evidence', 'clusters'), target, join('evidence', 'clusters', basename(data.run)));
  await copyFolder(folder, 'allure-results', target, 'allure-results');
}

async function copyFolder(from: string, path: string, to: string, place: string): Promise<void> {
  const entries = await readdir(join(from, path), { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const entry of entries) {
    if (entry.isDirectory()) continue;
    const name = relative(join(from, path), join(entry.parentPath, entry.name));
    const file = join(to, place, name);
    await mkdir(dirname(file), { recursive: true });
    await writeInside(file, await readInside(from, join(path, name), largest.answer));
  }
}
