import { ask } from '../tape/tape.ts';
import { execInPod, type PodContainer } from './pod.ts';

/**
 * Resolves a name as the applications of a pod do, through its own resolver and search domains.
 *
 * @returns the IPv4 addresses, sorted; empty when the name does not resolve
 * @throws MeshproofError MP702 when the look-up could not be run.
 */
export async function resolveInPod(kubectl: string, where: PodContainer, host: string): Promise<string[]> {
  const { stdout } = await ask(
    `getent ahostsv4 ${host} in ${where.cluster} ${where.namespace}/${where.pod}`,
    () => execInPod(kubectl, where, ['getent', 'ahostsv4', host]),
    { lookOnly: true },
  );
  return [...new Set(stdout.split('\n').flatMap((line) => /^(\d+\.\d+\.\d+\.\d+)\s/.exec(line)?.[1] ?? []))].sort();
}
