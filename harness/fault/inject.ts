import { clusterFlags } from '../process/cluster-flags.ts';
import { offers } from '../cluster/providers/registry.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { runProgram } from '../process/run-program.ts';
import { Docker } from '../toolchain/docker.ts';
import type { Environment, EnvironmentCluster } from '../scenario/environment.ts';
import type { Fault, Target } from './fault.ts';

/** Takes a fault out again; the cluster is then as it was. */
export type Undo = () => Promise<void>;

/**
 * Puts a fault into a kept environment, on a cluster that meshproof made.
 *
 * @returns what takes it out again
 * @throws MeshproofError MP903 when it cannot be put in; nothing was changed then.
 */
export async function inject(fault: Fault, environment: Environment): Promise<Undo> {
  const { id, at, restarts = [] } = fault;
  const cluster = environment.clusters[at === 'client' ? 0 : 1];
  if (cluster === undefined || cluster.foreign === true || !offers(environment.provider, 'ownsCluster'))
    throw new MeshproofError('MP903', {
      what: `the fault ${id} is not put into clusters that meshproof did not make`,
      expected: 'an environment that `meshproof up` made',
    });
  const kubectl = kubectlOf(environment, cluster);
  const restart = async (): Promise<void> => {
    for (const target of restarts) {
      const of = [`${target.kind}/${target.name}`, '--namespace', target.namespace ?? 'default'];
      await kubectl(['rollout', 'restart', ...of]);
      await kubectl(['rollout', 'status', ...of, '--timeout=60s']);
    }
  };
  const takeOut = await putIn(fault, environment, cluster, kubectl);
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

type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

async function putIn(
  { id, inject: injection }: Fault,
  environment: Environment,
  cluster: EnvironmentCluster,
  kubectl: Kubectl,
): Promise<Undo> {
  if ('add' in injection) {
    await kubectl(['create', '-f', '-'], JSON.stringify(injection.add));
    const { kind, apiVersion, metadata } = injection.add;
    const group = apiVersion.includes('/') ? `.${apiVersion.slice(0, apiVersion.indexOf('/'))}` : '';
    const target = { kind: `${kind}${group}`, ...metadata };
    return async () => {
      await kubectl(['delete', ...named(target), '--ignore-not-found']);
    };
  }
  if ('patch' in injection) {
    const before = await kubectl(['get', ...named(injection.patch), '-o', 'json']);
    await kubectl(['patch', ...named(injection.patch), '--type=merge', '--patch', JSON.stringify(injection.with)]);
    return async () => {
      await kubectl(['replace', '-f', '-'], withoutServersFields(before, ['resourceVersion']));
    };
  }
  if ('remove' in injection) {
    const before = await kubectl(['get', ...named(injection.remove), '-o', 'json']);
    await kubectl(['delete', ...named(injection.remove)]);
    return async () => {
      await kubectl(
        ['create', '-f', '-'],
        withoutServersFields(before, ['resourceVersion', 'uid', 'creationTimestamp']),
      );
    };
  }
  if ('edit' in injection) {
    const { edit, field, from, to } = injection;
    const before = await kubectl(['get', ...named(edit), '-o', 'json']);
    const [outer, inner] = field;
    const object = JSON.parse(before) as Record<string, Record<string, string> | undefined>;
    const text = object[outer]?.[inner] ?? '';
    if (!text.includes(from))
      throw new MeshproofError('MP903', {
        what: `the fault ${id} finds nothing to change in ${edit.kind} ${edit.name}`,
        expected: from,
        seen: text.slice(0, 300),
      });
    const change = JSON.stringify({ [outer]: { [inner]: text.replaceAll(from, to) } });
    await kubectl(['patch', ...named(edit), '--type=merge', '--patch', change]);
    return async () => {
      await kubectl([
        'patch',
        ...named(edit),
        '--type=merge',
        '--patch',
        JSON.stringify({ [outer]: { [inner]: text } }),
      ]);
    };
  }
  const docker = new Docker(environment.programs.docker, environment.dockerHost);
  const node = `${environment.name}-${cluster.name}-control-plane`;
  const gateway = environment.clusters[1]?.gateway?.address ?? '';
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

const named = ({ kind, namespace, name }: Target): string[] => [
  kind,
  name,
  ...(namespace === undefined ? [] : ['--namespace', namespace]),
];

function kubectlOf({ programs }: Environment, cluster: EnvironmentCluster): Kubectl {
  return async (args, input) => {
    const { stdout } = await runProgram({
      program: programs.kubectl,
      args: [...clusterFlags(cluster), ...args],
      ...(input === undefined ? {} : { input }),
      purpose: `kubectl ${args[0] ?? ''}`,
      code: 'MP903',
      where: `cluster ${cluster.name}`,
      timeout: 90_000,
    });
    return stdout;
  };
}

function withoutServersFields(json: string, fields: readonly string[]): string {
  const object = JSON.parse(json) as { metadata: Record<string, unknown>; status?: unknown };
  for (const field of [...fields, 'managedFields']) Reflect.deleteProperty(object.metadata, field);
  Reflect.deleteProperty(object, 'status');
  return JSON.stringify(object);
}
