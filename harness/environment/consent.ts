import { createInterface } from 'node:readline/promises';
import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { ownLabels } from '../cluster/labels.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { kindsOf } from '../scenario/declared.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { namespacesOf } from '../config/scenario-files.ts';

/** What is about to be written to clusters that the user owns. */
export interface IntendedWrites {
  /** The very addresses that are written to. */
  readonly clusters: readonly ClusterAddress[];
  /** What is made or changed, a line each. */
  readonly made: readonly string[];
  /** What is deleted, a line each. */
  readonly deleted: readonly string[];
}

/**
 * Asks whether clusters that the user owns may be written to; throws MP508 when not. Whoever may write to them has to
 * have one.
 */
export type Agree = (writes: IntendedWrites) => Promise<void>;

/** What scenarios write to clusters that the user owns, and take away again. */
export function writesOf(scenarios: readonly Scenario[], clusters: readonly ClusterAddress[]): IntendedWrites {
  // Those that take a mesh or a cluster of their own are never played there.
  const played = scenarios.filter(({ meta: { needs } }) => needs.ownsMesh !== true && needs.ownsCluster !== true);
  const names = namespacesOf(played);
  return {
    clusters,
    made: [
      `the namespaces ${names.join(', ')}`,
      `in them ${kindsOf(played.map(({ meta }) => meta.needs)).join(', ')}`,
      `the hosts ${hostsOf(played).join(', ')}, visible to these namespaces and the gateways’ only`,
    ],
    deleted: [
      'all of that again, at the end of the run or by `meshproof down`',
      'what an earlier, interrupted run of this environment left there',
    ],
  };
}

/** Every host that some scenarios declare, with its address. */
const hostsOf = (scenarios: readonly Scenario[]): string[] => {
  const declared = scenarios.flatMap(({ meta }) => meta.needs.hosts ?? []);
  return [
    ...new Set(declared.map(({ host, address }) => (address === undefined ? host : `${host} (${address})`))),
  ].sort();
};

/**
 * Clusters, with those marked that somebody agreed to: an agreement holds for exactly the contexts that were named in
 * the question.
 */
export const withAgreement = <C extends ClusterAddress>(
  clusters: readonly C[],
  agreed: readonly ClusterAddress[],
): C[] =>
  clusters.map((cluster) => (agreed.some((one) => sameAddress(one, cluster)) ? { ...cluster, agreed: true } : cluster));

/** Whether two addresses lead to the same context, for the same owner. */
export const sameAddress = (left: ClusterAddress, right: ClusterAddress): boolean =>
  left.kubeconfig === right.kubeconfig && left.context === right.context && left.owner === right.owner;

/** The question, word for word. */
export function questionOf({ clusters, made, deleted }: IntendedWrites): string {
  const labels = Object.entries(ownLabels(clusters[0]?.owner)).map((label) => label.join('='));
  return [
    'These clusters are yours, and will be written to:',
    ...clusters.map(({ name, context, kubeconfig }) => `  ${name}: context ${context} of ${kubeconfig}`),
    'Made there:',
    ...made.map((line) => `  ${line}`),
    'Deleted there:',
    ...deleted.map((line) => `  ${line}`),
    `Everything that is made carries ${labels.join(' and ')}; what does not is neither changed, restarted nor deleted.`,
  ].join('\n');
}

/**
 * Asks before the first write to clusters that meshproof did not make.
 *
 * @param yes the user's answer beforehand (`--yes`)
 * @throws MeshproofError MP508 when the answer is no, or when there is nobody to ask.
 */
export function askFirst(yes: boolean): Agree {
  return async (writes) => {
    if (yes || writes.clusters.length === 0) return;
    if (!process.stdin.isTTY)
      throw new MeshproofError('MP508', {
        what: 'nobody is there to be asked',
        where: writes.clusters.map(({ context }) => context).join(', '),
        expected: questionOf(writes),
      });
    const asking = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const answer = await asking.question(`${questionOf(writes)}\nGo on? [y/N] `);
      if (!/^y(es)?$/i.test(answer.trim()))
        throw new MeshproofError('MP508', { what: 'the answer was no; nothing was written' });
    } finally {
      asking.close();
    }
  };
}

/** For commands that only ever write to clusters that meshproof made. */
export const agreeToNothing: Agree = async ({ clusters }) => {
  if (clusters.length === 0) return;
  await Promise.reject(
    new MeshproofError('MP508', {
      what: 'this command does not write to clusters of yours',
      where: clusters.map(({ context }) => context).join(', '),
    }),
  );
};
