import { Option } from 'commander';
import { providerNames } from '../cluster/providers/registry.ts';
import { loadConfig, mostAtOnce, type Config } from '../config/config.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';

export const providerOption = (): Option =>
  new Option('--provider <name>', 'where the clusters come from').choices(providerNames);
export const toolchainOption = (): Option =>
  new Option('--toolchain <edition>', 'where the components come from').choices(['auto', 'source', 'release']);
export const meshOption = (): Option =>
  new Option('--mesh <build>', 'Istio build: istio@<release>, istio@<pseudo-version of a commit>, path:<checkout>');
export const clustersOption = (): Option =>
  new Option('--clusters <count>', 'how many clusters, from 2 to 16; those beyond the configured ones get names');
export const kubernetesOption = (): Option => new Option('--kubernetes <version>', 'Kubernetes version, e.g. v1.34.11');

/**
 * The scenario ids that `--only` names, by themselves, by patterns ("*-gateway*") and by suites, which are folders of
 * scenarios ("egress-gateway"); undefined without it.
 *
 * @param from patterns of scenario files, as the config lists them
 * @throws MeshproofError MP103 for an empty id, MP101 for one that names no scenario.
 */
export async function idsOf(only: string | undefined, from: readonly string[]): Promise<string[] | undefined> {
  const ids = only?.split(',').map((id) => id.trim());
  if (ids === undefined) return undefined;
  if (ids.some((id) => id === '')) throw new MeshproofError('MP103', { what: '--only has an empty id', seen: only });
  const { chosenIds } = await import('../config/scenario-files.ts');
  return await chosenIds(ids, from);
}

/**
 * How many scenarios play at the same time, as `--at-once` says it.
 *
 * @throws MeshproofError MP103 for what is no such number.
 */
export function atOnceOf(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= mostAtOnce) return Number(text);
  const expected = `a number from 1 to ${mostAtOnce}`;
  throw new MeshproofError('MP103', {
    what: '--at-once is how many scenarios play at the same time',
    expected,
    seen: text,
  });
}

/** A full mesh has a line for each pair of clusters; more of them say nothing about how it grows that fewer do not. */
const mostClusters = 16;

/**
 * The config with as many clusters as `--clusters` asks for: the configured ones first, then `cluster-3`, `cluster-4`…
 *
 * @param count as it was typed; undefined leaves the clusters as they are configured
 * @throws MeshproofError MP103 for what is no such number; MP102 when the config has no context for one of them.
 */
export async function configWithClusters(
  file: string | undefined,
  overrides: Readonly<Record<string, unknown>>,
  count: string | undefined,
): Promise<Config> {
  const config = await loadConfig(file, overrides);
  if (count === undefined) return config;
  if (!/^\d{1,2}$/.test(count) || Number(count) < 2 || Number(count) > mostClusters)
    throw new MeshproofError('MP103', {
      what: '--clusters is how many clusters a mesh has',
      expected: `a number from 2 to ${mostClusters}`,
      seen: count,
    });
  return await loadConfig(file, { ...overrides, clusters: clusterNames(Number(count), config.clusters) });
}

/** So many names of clusters, the given ones first. */
export function clusterNames(count: number, given: readonly string[]): string[] {
  const names = given.slice(0, count);
  for (let number = names.length + 1; names.length < count; number += 1)
    if (!names.includes(`cluster-${number}`)) names.push(`cluster-${number}`);
  return names;
}
