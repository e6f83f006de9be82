import { clusterFlags } from '../process/cluster-flags.ts';
import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { execInPod } from '../probe/pod.ts';
import { runProgram } from '../process/run-program.ts';
import { systemNamespace } from './operator.ts';

/**
 * How long a list of istiod's pods is taken for true, in milliseconds: a barrier asks several times a second, and pods
 * rarely change.
 */
const trustedFor = 5_000;
const known = new Map<string, { readonly at: number; readonly pods: Promise<readonly string[]> }>();

/**
 * Asks every istiod of a cluster for one of its debug pages: a proxy is connected to one of them, and only that one
 * knows of it.
 *
 * @param path e.g. `/debug/syncz`
 * @returns an answer for each istiod that gave one
 * @throws MeshproofError MP702 when none did.
 */
export async function askIstiods(kubectl: string, cluster: ClusterAddress, path: string): Promise<string[]> {
  const pods = await istiodPods(kubectl, cluster);
  const answers = await Promise.allSettled(
    pods.map(async (pod) => {
      const where = { ...whereOf(cluster), namespace: systemNamespace, pod, container: 'discovery' };
      const { stdout, stderr, exitCode } = await execInPod(kubectl, where, ['pilot-discovery', 'request', 'GET', path]);
      if (exitCode !== 0) throw notAnswered(cluster, path, stderr);
      return stdout;
    }),
  );
  const given = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  if (given.length > 0) return given;
  // A pod that has gone since is not asked again.
  known.delete(keyOf(cluster));
  const [refused] = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
  throw refused ?? notAnswered(cluster, path, 'istiod has no running pod');
}

async function istiodPods(kubectl: string, cluster: ClusterAddress): Promise<readonly string[]> {
  const key = keyOf(cluster);
  const fresh = known.get(key);
  if (fresh !== undefined && performance.now() - fresh.at < trustedFor) return await fresh.pods;
  const pods = listPods(kubectl, cluster);
  known.set(key, { at: performance.now(), pods });
  // What could not be listed is listed again the next time.
  pods.catch(() => known.delete(key));
  return await pods;
}

async function listPods(kubectl: string, cluster: ClusterAddress): Promise<string[]> {
  const names = '-o=jsonpath={range .items[*]}{.metadata.name}{"\\n"}{end}';
  const { stdout } = await runProgram({
    program: kubectl,
    args: [
      ...clusterFlags(cluster),
      '--namespace',
      systemNamespace,
      'get',
      'pods',
      '--selector=app=istiod',
      '--field-selector=status.phase=Running',
      names,
    ],
    purpose: 'find the pods of istiod',
    code: 'MP702',
    where: `cluster ${cluster.name}`,
    timeout: 10_000,
  });
  return stdout.split('\n').filter((pod) => pod !== '');
}

const keyOf = ({ kubeconfig, context }: ClusterAddress): string => `${kubeconfig} ${context}`;
const whereOf = ({
  name,
  kubeconfig,
  context,
}: ClusterAddress): { readonly cluster: string; readonly kubeconfig: string; readonly context: string } => ({
  cluster: name,
  kubeconfig,
  context,
});

const notAnswered = (cluster: ClusterAddress, path: string, seen: string): MeshproofError =>
  new MeshproofError('MP702', { what: `istiod did not answer ${path}`, where: `cluster ${cluster.name}`, seen });
