import { Option } from 'commander';
import { providerNames } from '../cluster/providers/registry.ts';
import { mostAtOnce } from '../config/config.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';

export const providerOption = (): Option =>
  new Option('--provider <name>', 'where the clusters come from').choices(providerNames);
export const toolchainOption = (): Option =>
  new Option('--toolchain <edition>', 'where the components come from').choices(['auto', 'source', 'release']);
export const meshOption = (): Option =>
  new Option('--mesh <build>', 'Istio build: istio@<release>, istio@<pseudo-version of a commit>, path:<checkout>');
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
