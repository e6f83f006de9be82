import { ClusterEditor, targetOf, type Target } from '../cluster/cluster-editor.ts';
import { offers } from '../cluster/providers/registry.ts';
import { injectedNamespace } from '../cluster/workloads.ts';
import { issueAuthorities } from '../mesh/certificate-authority.ts';
import { systemNamespace } from '../mesh/operator.ts';
import { defaultTopology } from '../mesh/topologies/names.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { Docker } from '../toolchain/docker.ts';
import type { Environment, EnvironmentCluster } from '../scenario/environment.ts';
import type { Fault } from './fault.ts';

/** Takes a fault out again; the cluster is then as it was. */
export type Undo = () => Promise<void>;

/**
 * Puts a fault into a kept environment, on a cluster that meshproof made.
 *
 * @returns what takes it out again
 * @throws MeshproofError MP903 when it cannot be put in; nothing was changed then.
 */
export async function inject(fault: Fault, environment: Environment): Promise<Undo> {
  const { id, at, restarts = [], deletes, needs, topology = defaultTopology } = fault;
  const cluster = environment.clusters[at === 'client' ? 0 : 1];
  if (cluster === undefined || cluster.foreign === true || !offers(environment.provider, 'ownsCluster'))
    throw new MeshproofError('MP903', {
      what: `the fault ${id} is not put into clusters that meshproof did not make`,
      expected: 'an environment that `meshproof up` made',
    });
  if (environment.topology !== topology)
    throw new MeshproofError('MP903', {
      what: `the fault ${id} breaks what only a ${topology} mesh has`,
      expected: `an environment whose topology is ${topology}`,
      seen: environment.topology,
    });
  const editor = editorOf(environment, cluster);
  const restart = async (): Promise<void> => {
    if (deletes !== undefined)
      await editor.run(['delete', deletes.kind, '--namespace', deletes.namespace, '--selector', deletes.selector]);
    for (const target of restarts) {
      const namespace = ['--namespace', target.namespace ?? 'default'];
      const of = [`${target.kind}/${target.name}`, ...namespace];
      const before = await podsOf(target, editor);
      await editor.run(['rollout', 'restart', ...of]);
      await editor.run(['rollout', 'status', ...of, '--timeout=120s']);
      // A pod on its way out still answers as it did, and who asked it remembers the answer.
      if (before.length > 0) await editor.run(['wait', '--for=delete', ...before, ...namespace, '--timeout=120s']);
    }
  };
  if (needs !== undefined) await checkNeed(id, needs, editor);
  const takeOut = await putIn(fault, environment, cluster, editor);
  const undo = async (): Promise<void> => {
    await takeOut();
    await restart();
  };
  try {
    await restart();
  } catch (error) {
    await undo();
    throw error;
  }
  return undo;
}

/** The pods of a workload, as "pod/name". */
async function podsOf(target: Target, editor: ClusterEditor): Promise<string[]> {
  const { spec } = JSON.parse(await editor.read(target)) as {
    readonly spec: { readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> } };
  };
  const selector = Object.entries(spec.selector.matchLabels ?? {}).map(([label, value]) => `${label}=${value}`);
  const where = ['--namespace', target.namespace ?? 'default', '--selector', selector.join(',')];
  return (await editor.run(['get', 'pods', ...where, '--output', 'name'])).split('\n').filter((name) => name !== '');
}

async function checkNeed(
  id: string,
  { daemonSet, since }: NonNullable<Fault['needs']>,
  editor: ClusterEditor,
): Promise<void> {
  const sets = await editor.run(['get', 'daemonsets', '-n', 'kube-system', '-o', 'name']);
  if (!sets.split('\n').includes(`daemonset.apps/${daemonSet}`))
    throw new MeshproofError('MP903', { what: `the fault ${id} would break nothing: ${since}`, seen: sets });
}

async function putIn(
  { id, inject: injection }: Fault,
  environment: Environment,
  cluster: EnvironmentCluster,
  editor: ClusterEditor,
): Promise<Undo> {
  const gateway = environment.clusters[1]?.gateway?.address ?? '';
  if ('add' in injection) {
    const { metadata, ...type } = injection.add;
    if (metadata.namespace !== undefined) await makeNamespace(metadata.namespace, cluster, editor);
    await editor.run(['create', '-f', '-'], JSON.stringify(injection.add).replaceAll('{gateway}', gateway));
    const added = targetOf({ ...type, ...metadata });
    return async () => {
      if (metadata.finalizers !== undefined) await editor.release(added);
      await editor.remove(added);
    };
  }
  if ('cacerts' in injection) {
    const before = await editor.read(caSecret);
    const change =
      injection.cacerts === 'another root'
        ? { stringData: (await issueAuthorities([cluster.name]))[cluster.name] }
        : { data: await peersAuthority(id, environment, cluster) };
    await editor.patch(caSecret, 'merge', change);
    return () => editor.replace(before);
  }
  if ('patch' in injection || 'strategic' in injection) {
    const [target, type] =
      'patch' in injection ? [injection.patch, 'merge' as const] : [injection.strategic, 'strategic' as const];
    const before = await editor.read(target);
    await editor.patch(target, type, injection.with);
    return () => editor.replace(before);
  }
  if ('remove' in injection) {
    const before = await editor.read(injection.remove);
    await editor.remove(injection.remove, { leaves: injection.leaves !== undefined });
    return async () => {
      // A scenario that installs the mesh anew has made it meanwhile.
      if (!(await editor.isThere(injection.remove))) await editor.create(before);
    };
  }
  if ('edit' in injection) {
    const { edit, field, from, to } = injection;
    const [outer, inner] = field;
    const before = await editor.read(edit);
    const object = JSON.parse(before) as Record<string, Record<string, string> | undefined>;
    const text = object[outer]?.[inner] ?? '';
    if (!text.includes(from))
      throw new MeshproofError('MP903', {
        what: `the fault ${id} finds nothing to change in ${edit.kind} ${edit.name}`,
        expected: from,
        seen: text.slice(0, 300),
      });
    await editor.patch(edit, 'merge', { [outer]: { [inner]: text.replaceAll(from, to) } });
    return () => editor.replace(before);
  }
  const docker = new Docker(environment.programs.docker, environment.dockerHost);
  const node = `${environment.name}-${cluster.name}-control-plane`;
  const onNode = async (command: string): Promise<void> => {
    await docker.run(['exec', node, 'sh', '-c', command.replaceAll('{gateway}', gateway)], {
      code: 'MP903',
      purpose: `put the fault ${id} in`,
      timeout: 20_000,
    });
  };
  await onNode(injection.onNode);
  return () => onNode(injection.undo);
}

const caSecret: Target = { kind: 'secret', namespace: systemNamespace, name: 'cacerts' };

/** The CA of another cluster, as its Secret has it. */
async function peersAuthority(id: string, environment: Environment, cluster: EnvironmentCluster): Promise<object> {
  const peer = environment.clusters.find(({ name }) => name !== cluster.name);
  if (peer === undefined) throw new MeshproofError('MP903', { what: `the fault ${id} needs a second cluster` });
  const { data } = JSON.parse(await editorOf(environment, peer).read(caSecret)) as { readonly data: object };
  return data;
}

/**
 * Makes a namespace that its scenario would make a moment later, just as the scenario does it: it then finds its own,
 * and nobody else's hand shows in it. It stays, as it does after the scenario.
 */
async function makeNamespace(name: string, cluster: EnvironmentCluster, editor: ClusterEditor): Promise<void> {
  const there = await editor.run(['get', 'namespace', name, '--ignore-not-found', '--output', 'name']);
  if (there !== '') return;
  const { ClusterApi } = await import('../cluster/cluster-api.ts');
  await new ClusterApi(cluster).apply(injectedNamespace(name));
}

const editorOf = (
  { programs }: Environment,
  { kubeconfig, context, name }: Pick<EnvironmentCluster, 'kubeconfig' | 'context' | 'name'>,
): ClusterEditor => new ClusterEditor({ kubectl: programs.kubectl, kubeconfig, context, name, code: 'MP903' });
