import { readdir } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { nearestTo } from '../probe/trace.ts';
import type { Scenario } from '../scenario/scenario.ts';

const scenariosFolder = fileURLToPath(new URL('../../scenarios/', import.meta.url));

/**
 * Reads every scenario file, in the order of the walkthrough (their ids sort within a section).
 *
 * @param only ids of those that are wanted; all of them by default
 * @throws MeshproofError MP999 when a file does not export a scenario of its own name.
 */
export async function listScenarios(only?: readonly string[]): Promise<Scenario[]> {
  const scenarios = await Promise.all((await scenarioIds()).map(load));
  // `prerequisites` opens the walkthrough and `cleanup` ends it, whatever their place in the alphabet; what kills or takes away the mesh comes
  // late. No scenario depends on the order.
  const rank = ({ meta }: Scenario): number =>
    meta.id === 'prerequisites' ? -1 : meta.id === 'cleanup' ? 2 : meta.needs.ownsMesh === true ? 1 : 0;
  return scenarios.filter(({ meta }) => only?.includes(meta.id) ?? true).sort((a, b) => rank(a) - rank(b));
}

/** Every namespace that some scenarios make, sorted. */
export const namespacesOf = (scenarios: readonly Scenario[]): string[] =>
  [...new Set(scenarios.flatMap(({ meta }) => meta.needs.namespaces))].sort();

/** The ids of all scenario files: their paths below scenarios/. */
async function scenarioIds(): Promise<string[]> {
  return (await readdir(scenariosFolder, { recursive: true }))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.ts'.length).replaceAll('\\', '/'))
    .sort();
}

/**
 * Reads one scenario file. The id may come from a run folder that somebody else wrote, so it is looked up among the files that are there, and
 * never made into a path of its own.
 *
 * @throws MeshproofError MP101 when there is none, MP999 when it does not export a scenario of its own name.
 */
export async function loadScenario(id: string): Promise<Scenario> {
  const known = await scenarioIds();
  const found = known.find((one) => one === id);
  if (found === undefined) throw unknownScenario([id], known);
  return await load(found);
}

async function load(id: string): Promise<Scenario> {
  const module = (await import(pathToFileURL(join(scenariosFolder, `${id}.ts`)).href)) as { default?: Scenario };
  if (module.default?.meta.id !== id)
    throw new MeshproofError('MP999', {
      what: `scenarios/${id}.ts does not export the scenario ${id}`,
      seen: module.default?.meta.id ?? 'no default export',
    });
  return module.default;
}

/**
 * Checks ids that a user gave.
 *
 * @throws MeshproofError MP101 with the ids that come nearest.
 */
export async function checkIds(ids: readonly string[]): Promise<void> {
  const known = (await listScenarios()).map(({ meta }) => meta.id);
  const unknown = ids.filter((id) => !known.includes(id));
  if (unknown.length > 0) throw unknownScenario(unknown, known);
}

function unknownScenario(ids: readonly string[], known: readonly string[]): MeshproofError {
  return new MeshproofError('MP101', {
    what: `no scenario is named ${ids.map((id) => JSON.stringify(id.slice(0, 100))).join(', ')}`,
    expected: `one of ${known.join(', ')}`,
    seen: `nearest: ${nearestTo(ids[0]?.slice(0, 100) ?? '', known)[0] ?? 'none'}`,
  });
}
