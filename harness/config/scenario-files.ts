import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { builtInScenarios } from '../assets/package-files.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { nearestTo } from '../probe/trace.ts';
import { scenarioIdSchema } from '../scenario/claims.ts';
import type { Scenario } from '../scenario/scenario.ts';

/** Stands in a list of scenario files for all that come with meshproof. */
export const builtIn = 'meshproof';

/** One file with one scenario. */
export interface ScenarioFile {
  /** Its path below the folder that holds no pattern, without its ending. */
  readonly id: string;
  readonly file: string;
}

/** A scenario, and the file that it was read from. */
export type ListedScenario = Scenario & ScenarioFile;

/**
 * Reads every scenario, in the order that they are played: ids sort, what kills or takes away the mesh comes late.
 *
 * @param from patterns of scenario files, as the config lists them
 * @param only ids of those that are wanted; all of them by default
 * @throws MeshproofError MP108 for files that cannot be scenarios.
 */
export async function listScenarios(from: readonly string[], only?: readonly string[]): Promise<ListedScenario[]> {
  const files = (await findScenarios(from)).filter(({ id }) => only?.includes(id) ?? true);
  const scenarios = await Promise.all(files.map(async (file) => ({ ...file, ...(await load(file)) })));
  const rank = ({ meta: { plays, needs } }: Scenario): number =>
    plays === 'first' ? -1 : plays === 'last' ? 2 : needs.ownsMesh === true ? 1 : 0;
  return scenarios.sort((a, b) => rank(a) - rank(b));
}

/** Every namespace that some scenarios make, sorted. */
export const namespacesOf = (scenarios: readonly Scenario[]): string[] =>
  [...new Set(scenarios.flatMap(({ meta }) => meta.needs.namespaces))].sort();

/**
 * The files that a config lists, sorted by their ids. Nothing of them is loaded.
 *
 * @throws MeshproofError MP108 when a pattern finds nothing, or two files have one id.
 */
export async function findScenarios(from: readonly string[]): Promise<ScenarioFile[]> {
  const found = (await Promise.all(from.map((one) => (one === builtIn ? builtInFiles() : filesOf(one))))).flat();
  found.sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const [index, { id, file }] of found.entries()) {
    const { id: next, file: other } = found[index + 1] ?? { id: undefined, file: '' };
    if (id === next && file !== other)
      throw new MeshproofError('MP108', { what: `two files are the scenario ${id}`, seen: `${file}\n${other}` });
  }
  return found.filter(({ file }, index) => file !== found[index + 1]?.file);
}

async function builtInFiles(): Promise<ScenarioFile[]> {
  const { folder, ending } = builtInScenarios;
  return (await readdir(folder, { recursive: true }))
    .filter((name) => name.endsWith(ending) && !name.endsWith(`.test${ending}`))
    .map((name) => ({
      id: name.slice(0, -ending.length).replaceAll('\\', '/'),
      file: join(folder, name),
    }));
}

async function filesOf(pattern: string): Promise<ScenarioFile[]> {
  const { glob } = await import('tinyglobby');
  const files = await glob(pattern, { absolute: true, ignore: ['**/node_modules/**'] });
  if (files.length === 0)
    throw new MeshproofError('MP108', { what: 'no scenario file was found', where: pattern, expected: 'at least one' });
  // Up to the first part with a wildcard, or with one that is escaped: ids do not depend on where the repository lies.
  const parts = pattern.split('/');
  const fixed = parts.findIndex((part) => /[*?{}[\]!+@()|]/.test(part.replace(/\\./g, '')));
  const folder = (fixed < 0 ? parts.slice(0, -1) : parts.slice(0, fixed)).join('/').replace(/\\(.)/g, '$1');
  return files.map((file) => {
    const id = file.slice(folder.length + 1).replace(/(\.scenario)?\.[cm]?[jt]s$/, '');
    if (!scenarioIdSchema.safeParse(id).success)
      throw new MeshproofError('MP108', {
        what: `the file cannot name a scenario: ${basename(file)}`,
        where: file,
        expected: 'letters, digits and dashes, and .scenario.ts at its end',
      });
    return { id, file };
  });
}

/**
 * Reads one scenario file. The id may come from a run folder that somebody else wrote, so it is looked up among the
 * files that are there, and never made into a path of its own.
 *
 * @throws MeshproofError MP101 when there is none, MP108 when it does not export a scenario of its own name.
 */
export async function loadScenario(id: string, from: readonly string[] = [builtIn]): Promise<Scenario> {
  const known = await findScenarios(from);
  const found = known.find((one) => one.id === id);
  if (found === undefined)
    throw unknownScenario(
      [id],
      known.map((one) => one.id),
    );
  return await load(found);
}

async function load({ id, file }: ScenarioFile): Promise<Scenario> {
  await readTypeScript(file);
  const module = (await import(pathToFileURL(file).href).catch((cause: unknown) => {
    throw new MeshproofError('MP108', {
      what: 'the scenario file does not load',
      where: file,
      seen: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  })) as { default?: Partial<Scenario> };
  const { meta, run } = module.default ?? {};
  if (meta?.id !== id || run === undefined)
    throw new MeshproofError('MP108', {
      what: `the file does not export the scenario ${id}`,
      where: file,
      expected: `export default scenario({ id: '${id}', … })`,
      seen: meta === undefined ? 'no scenario as its default export' : `the id ${meta.id}`,
    });
  return { meta, run };
}

let readsTypeScript = false;

/** A repository of somebody’s own holds TypeScript, which Node does not read by itself. */
async function readTypeScript(file: string): Promise<void> {
  if (readsTypeScript || !/\.[cm]?ts$/.test(file) || process.env['VITEST'] !== undefined) return;
  readsTypeScript = true;
  (await import('tsx/esm/api')).register();
}

/**
 * The ids that a user means: an id itself, a pattern with `*`, or a folder of scenarios.
 *
 * @throws MeshproofError MP101 with the ids that come nearest.
 */
export async function chosenIds(asked: readonly string[], from: readonly string[]): Promise<string[]> {
  const known = (await findScenarios(from)).map(({ id }) => id);
  const meant = asked.map((one) => known.filter((id) => isMeant(id, one)));
  const unknown = asked.filter((_, index) => meant[index]?.length === 0);
  if (unknown.length > 0) throw unknownScenario(unknown, known);
  return [...new Set(meant.flat())];
}

function isMeant(id: string, asked: string): boolean {
  if (!asked.includes('*')) return id === asked || id.startsWith(`${asked.replace(/\/$/, '')}/`);
  const pattern = asked.split('*').map((part) => part.replaceAll(/[^\w/-]/g, '\\$&'));
  return new RegExp(`^${pattern.join('.*')}$`).test(id);
}

function unknownScenario(ids: readonly string[], known: readonly string[]): MeshproofError {
  return new MeshproofError('MP101', {
    what: `no scenario is named ${ids.map((id) => JSON.stringify(id.slice(0, 100))).join(', ')}`,
    expected: `one of ${known.join(', ')}`,
    seen: `nearest: ${nearestTo(ids[0]?.slice(0, 100) ?? '', known)[0] ?? 'none'}`,
  });
}
