import { createInterface } from 'node:readline/promises';
import type { ClusterAddress } from '../cluster/cluster-api.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';

/**
 * Asks before the first write to clusters that meshproof did not make.
 *
 * @param what will be written, as the question says it
 * @param yes the user's answer beforehand (`--yes`)
 * @throws MeshproofError MP508 when the answer is no, or when there is nobody to ask.
 */
export async function confirmWrites(clusters: readonly ClusterAddress[], what: string, yes: boolean): Promise<void> {
  if (yes) return;
  const where = clusters
    .map(({ name, context, kubeconfig }) => `  ${name}: context ${context} of ${kubeconfig}`)
    .join('\n');
  if (!process.stdin.isTTY)
    throw new MeshproofError('MP508', {
      what: 'nobody is there to be asked',
      where: clusters.map(({ context }) => context).join(', '),
      remedy: 'Look at it with --dry-run, then give --yes.',
    });
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`These clusters will be written to:\n${where}\nwith ${what}.\nGo on? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim()))
      throw new MeshproofError('MP508', { what: 'the answer was no; nothing was written' });
  } finally {
    asking.close();
  }
}
