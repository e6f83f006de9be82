import { clusterFlags } from '../process/cluster-flags.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../tape/tape.ts';
import { runProgram } from '../process/run-program.ts';
import type { ClusterAddress } from './cluster-address.ts';
import { groupSuffix, objectName } from './kubernetes-object.ts';

/** One object of whatever kind. */
export interface AnyObject {
  /** "ServiceEntry.networking.istio.io foo/httpbin-bar". */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Every object of every kind that a cluster can list. kubectl's discovery knows them all, custom ones included. Events
 * tell of the past and are left out.
 *
 * @throws MeshproofError MP702 with kubectl's words, also for a kind that went away meanwhile.
 */
export async function everything(kubectl: string, cluster: ClusterAddress): Promise<AnyObject[]> {
  return await ask(`everything in ${cluster.name}`, () => list(kubectl, cluster), { lookOnly: true });
}

async function list(kubectl: string, cluster: ClusterAddress): Promise<AnyObject[]> {
  // A name that nobody can guess: in a temporary folder that all share, somebody else may have put a link under any
  // other.
  const discovery = await mkdtemp(join(tmpdir(), 'meshproof-kubectl-'));
  try {
    return await listWith(kubectl, cluster, discovery);
  } finally {
    await rm(discovery, { recursive: true, force: true });
  }
}

async function listWith(kubectl: string, cluster: ClusterAddress, discovery: string): Promise<AnyObject[]> {
  const call = { program: kubectl, code: 'MP702', where: `cluster ${cluster.name}`, timeout: 60_000 } as const;
  const flags = [...clusterFlags(cluster), '--cache-dir', discovery];
  const { stdout: kinds } = await runProgram({
    ...call,
    args: [...flags, 'api-resources', '--cached=false', '--verbs=list', '--output=name'],
    purpose: 'list the kinds of the cluster',
  });
  const wanted = kinds.split('\n').filter((kind) => kind !== '' && !/^events(\.|$)/.test(kind));
  const fields = ['.kind', '.apiVersion', '.metadata.namespace', '.metadata.name', '.metadata.labels'];
  const row = `{range .items[*]}${fields.map((field) => `{${field}}`).join('{"\\t"}')}{"\\n"}{end}`;
  const { stdout } = await runProgram({
    ...call,
    args: [...flags, 'get', wanted.join(','), '--all-namespaces', '--ignore-not-found', `--output=jsonpath=${row}`],
    purpose: 'list every object of the cluster',
  });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [kind = '', apiVersion = '', namespace = '', name = '', labels = ''] = line.split('\t');
      const metadata = namespace === '' ? { name } : { name, namespace };
      return {
        name: objectName({ kind: `${kind}${groupSuffix(apiVersion)}`, metadata }),
        labels: labels === '' ? {} : (JSON.parse(labels) as Record<string, string>),
      };
    });
}
