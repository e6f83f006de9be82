import { clusterFlags } from '../process/cluster-flags.ts';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { fieldManager, ownLabel } from '../cluster/labels.ts';
import { systemNamespace } from '../mesh/operator.ts';
import type { TopologyName } from '../mesh/topologies/names.ts';
import { topologyNamed } from '../mesh/topologies/registry.ts';
import { runProgram } from '../process/run-program.ts';
import type { Progress } from '../progress/progress.ts';
import type { Environment, EnvironmentCluster } from '../scenario/environment.ts';
import { redact } from '../tape/redact/value.ts';
import { writeInside } from '../tape/run-folder.ts';

const istioKinds = [
  'gateways.networking.istio.io',
  'serviceentries',
  'destinationrules',
  'virtualservices',
  'peerauthentications',
  'authorizationpolicies',
].join(',');

/** Lists of objects: file → kubectl arguments, without the namespaces. */
const lists: Readonly<Record<string, readonly string[]>> = {
  'pods.txt': ['get', 'pods', '-o', 'wide'],
  'services.txt': ['get', 'services', '-o', 'wide'],
  'events.txt': ['get', 'events', '--sort-by=.lastTimestamp'],
  'istio-objects.yaml': ['get', istioKinds, '-o', 'json'],
};

/** Logs: file → kubectl arguments. */
const logs: Readonly<Record<string, readonly string[]>> = {
  'istiod.log': ['logs', '-n', 'istio-system', 'deploy/istiod', '--tail=2000'],
  'metallb.log': ['logs', '-n', 'metallb-system', '-l', 'app=metallb', '--tail=500', '--prefix'],
};

/** The same of the gateways that a topology has: "ingress-gateway.log". */
const gatewayLogs = (topology: TopologyName): readonly (readonly [string, readonly string[]])[] =>
  topologyNamed(topology).gateways.map((name) => [
    `${name.replace(/^istio-(\w+)gateway$/, '$1-gateway')}.log`,
    ['logs', '-n', systemNamespace, `deploy/${name}`, '--tail=2000'],
  ]);

/** What of a cluster belongs to the run. */
interface Scope {
  /** undefined: all namespaces, for a cluster that meshproof made. */
  readonly namespaces: readonly string[] | undefined;
  /** Whether a line of a log that all share may be kept. */
  readonly concerns: (line: string) => boolean;
}

/**
 * Collects evidence of all clusters, before anything is cleaned up. Each item stands alone: one that cannot be had
 * leaves a line that says so, and the others are still collected. Everything passes the redactor.
 *
 * On clusters that the user owns only what meshproof made is looked into: its namespaces, and of the logs of istiod and
 * the gateways the lines that name one of them or one of their hosts.
 */
export async function collectClusterEvidence(
  environment: Environment,
  runFolder: string,
  progress: Progress,
): Promise<void> {
  await progress.group(
    'evidence',
    environment.clusters.map((cluster) => ({
      title: cluster.name,
      run: async () => {
        const folder = join(runFolder, 'evidence', 'clusters', cluster.name);
        await mkdir(folder, { recursive: true });
        const kubectl = kubectlFor(environment.programs.kubectl, cluster);
        const scope =
          cluster.foreign === true ? await ownScope(kubectl) : { namespaces: undefined, concerns: () => true };
        const collect = async (file: string, read: () => Promise<string>): Promise<void> => {
          const text = await read().catch(
            (error: unknown) => `not collected: ${error instanceof Error ? error.message : String(error)}`,
          );
          await writeInside(join(folder, file), `${redactLines(text)}\n`);
        };
        await Promise.all([
          ...Object.entries(lists).map(([file, args]) => collect(file, () => listed(kubectl, file, args, scope))),
          ...[...Object.entries(logs), ...gatewayLogs(environment.topology)].map(([file, args]) =>
            collect(file, async () => (await kubectl(args)).split('\n').filter(scope.concerns).join('\n')),
          ),
        ]);
      },
    })),
  );
}

type Kubectl = (args: readonly string[]) => Promise<string>;

const kubectlFor =
  (program: string, cluster: EnvironmentCluster): Kubectl =>
  async (args) => {
    const { stdout } = await runProgram({
      program,
      args: [...clusterFlags(cluster), ...args],
      purpose: `collect ${args.slice(0, 2).join(' ')}`,
      code: 'MP702',
      timeout: 20_000,
    });
    return stdout;
  };

/**
 * The objects of the namespaces that count, each namespace under its name; objects in JSON become YAML, redacted by
 * what they are.
 */
async function listed(kubectl: Kubectl, file: string, args: readonly string[], { namespaces }: Scope): Promise<string> {
  const places = namespaces?.map((name) => ['-n', name]) ?? [['--all-namespaces']];
  const texts = await Promise.all(places.map(async (place) => await kubectl([...args, ...place])));
  if (file.endsWith('.yaml')) return texts.map((text) => stringify(redact(JSON.parse(text)))).join('---\n');
  return texts
    .map((text, index) => (namespaces === undefined ? text : `# ${namespaces[index] ?? ''}\n${text}`))
    .join('\n');
}

/** What meshproof made in a cluster that the user owns, when it cannot be seen nothing at all. */
async function ownScope(kubectl: Kubectl): Promise<Scope> {
  const read = async (args: readonly string[]): Promise<string[]> =>
    (await kubectl(args)).split(/\s+/).filter((word) => word !== '');
  const own = `${ownLabel}=${fieldManager}`;
  const namespaces = await read(['get', 'namespaces', '-l', own, '-o', 'jsonpath={.items[*].metadata.name}']).catch(
    () => [],
  );
  const hosts = await Promise.all(
    namespaces.map((name) =>
      read(['get', 'serviceentries', '-n', name, '-o', 'jsonpath={.items[*].spec.hosts[*]}']).catch(() => []),
    ),
  );
  const words = [
    ...hosts.flat().map((host) => `(?<![\\w.-])${host.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`),
    ...namespaces.map((name) => `[./]${name}`),
  ];
  const concerning = new RegExp(`(?:${words.join('|')})(?![\\w-])`);
  return { namespaces, concerns: (line) => words.length > 0 && concerning.test(line) };
}

/** A text line by line, so that a line of JSON, an access log entry say, is redacted by its fields. */
const redactLines = (text: string): string =>
  redact(text)
    .split('\n')
    .map((line) => redact(line))
    .join('\n');
