import { clusterFlags } from '../process/cluster-flags.ts';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ClusterAddress } from '../cluster/cluster-address.ts';
import type { ClusterApi } from '../cluster/cluster-api.ts';
import { providerNamed } from '../cluster/providers/registry.ts';
import { bridgeLines, machineLines } from '../diagnose/machine.ts';
import { departuresOf } from '../diagnose/departures.ts';
import { resourcesOf } from '../diagnose/dump-resources.ts';
import { refusedCallsOf, trustOf } from '../diagnose/proxy-facts.ts';
import { seeObjects } from '../diagnose/seen-objects.ts';
import { seenObjectSchema, type ClusterSituation, type SeenObject, type Situation } from '../diagnose/situation.ts';
import { listIn, recordIn, textIn } from '../diagnose/causes/reading.ts';
import { systemNamespace } from '../mesh/operator.ts';
import { envoyAdmin, getFromPod } from '../probe/loopback.ts';
import type { PodContainer } from '../probe/pod.ts';
import { runProgram } from '../process/run-program.ts';
import { Docker } from '../toolchain/docker.ts';
import type { Environment, EnvironmentCluster } from './environment.ts';

/** Raised whenever more is looked at, or in another form: what an older version saw is not compared with that. */
const baselineForm = 3;

/** The state of a cluster when its mesh was proven ready: what is other later was done to it. */
export const baselineSchema = z.object({
  form: z.number().default(1),
  objects: z.array(seenObjectSchema),
  network: z.array(z.string()),
  /** App of a gateway → what its proxy holds, a line for each resource. */
  dumps: z.record(z.string(), z.array(z.string())).default({}),
});
export type Baseline = z.infer<typeof baselineSchema>;

/** What of a call's surroundings is to be looked at. */
export interface Surroundings {
  /** Namespaces of the scenario. */
  readonly namespaces: readonly string[];
  /** Only what proxies and istiod said since then. */
  readonly since: Date;
}

type ReadApi = Pick<ClusterApi, 'listObjects' | 'address'>;

/**
 * Takes down what a cluster is like now that its mesh is ready.
 *
 * @param api of the cluster
 */
export async function takeBaseline(environment: Environment, api: ReadApi): Promise<Baseline> {
  const { unseen: _unseen, ...state } = await stateOf(environment, api, (_what, work) => work());
  return { form: baselineForm, ...state };
}

/** Looks at one thing; what comes of a look that fails is up to whoever looks. */
type Look = <T>(what: string, work: () => Promise<T>, otherwise: T, within?: number) => Promise<T>;

/** All of a cluster that is compared with what it was. */
async function stateOf(
  environment: Environment,
  api: ReadApi,
  look: Look,
): Promise<Omit<Baseline, 'form'> & { readonly unseen: string[] }> {
  const { address } = api;
  const [seen, network] = await Promise.all([
    look('objects', async () => seeObjects(api, undefined, await keyOf(address)), noObjects, 30_000),
    look('the machine', () => networkOf(environment, address.name), []),
  ]);
  const dumps = await look('config dumps', () => gatewayDumps(environment, address, seen.objects), {});
  return { ...seen, network, dumps };
}

/** What a comparison with the state in which the mesh was proven ready shows. */
export interface Comparison {
  /** How many objects, and how many config dumps, are compared. */
  readonly objects: number;
  readonly dumps: number;
  /** What is not as it was, each with its cluster; empty when the environment is clean. */
  readonly departures: string[];
}

/**
 * Compares every cluster with what it was like when its mesh was proven ready. What cannot be looked at counts as not
 * being as it was.
 *
 * @returns undefined where it is not known what it was like: on clusters that meshproof did not make
 */
export async function compareWithBaseline(environment: Environment): Promise<Comparison | undefined> {
  const { ClusterApi: Api } = await import('../cluster/cluster-api.ts');
  const compared = await Promise.all(
    environment.clusters.map(async (cluster) => {
      const then = await readBaseline(cluster);
      if (then === undefined) return undefined;
      const { look, unseen } = standingAlone();
      const seen = await stateOf(environment, new Api(cluster), look);
      const now = { ...seen, unseen: [...seen.unseen, ...unseen] };
      const departures = departuresOf(cluster.name, then, now).map((line) => `${cluster.name}: ${line}`);
      return { objects: now.objects.length, dumps: Object.keys(then.dumps).length, departures };
    }),
  );
  const known = compared.filter((one) => one !== undefined);
  if (known.length < compared.length) return undefined;
  return {
    objects: known.reduce((sum, { objects }) => sum + objects, 0),
    dumps: known.reduce((sum, { dumps }) => sum + dumps, 0),
    departures: known.flatMap(({ departures }) => departures),
  };
}

const noObjects: Awaited<ReturnType<typeof seeObjects>> = { objects: [], unseen: [] };

/** Looks that end in time and hide nothing from each other: of each that failed a line tells what it was. */
function standingAlone(): { readonly look: Look; readonly unseen: string[] } {
  const unseen: string[] = [];
  return {
    unseen,
    look: async (what, work, otherwise, within = 12_000) => {
      try {
        return await inTime(work(), within);
      } catch (error) {
        unseen.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
        return otherwise;
      }
    },
  };
}

/** What each gateway's proxy holds; of several replicas the first one's. */
async function gatewayDumps(
  environment: Environment,
  cluster: ClusterAddress,
  objects: readonly SeenObject[],
): Promise<Record<string, string[]>> {
  const pods = objects.filter((one) => one.kind === 'Pod' && one.deleting !== true && isGateway(one));
  const apps = [...new Set(pods.map(({ labels }) => labels['app'] ?? ''))];
  const dumps = apps.map(async (app) => {
    const pod = pods.find(({ labels }) => labels['app'] === app);
    const text = await getFromPod(
      environment.programs.kubectl,
      proxyOf(cluster, pod?.namespace ?? '', pod?.name ?? ''),
      envoyAdmin,
      'config_dump',
      8_000,
    );
    return [app, resourcesOf(JSON.parse(text))] as const;
  });
  return Object.fromEntries(await Promise.all(dumps));
}

/** The sidecar, or the proxy of a gateway, in a pod. */
const proxyOf = (
  { name, kubeconfig, context, foreign }: ClusterAddress,
  namespace: string,
  pod: string,
): PodContainer => ({ cluster: name, kubeconfig, context, namespace, pod, container: 'istio-proxy', foreign });

/**
 * Looks around in every cluster, once a claim did not hold: at objects, events, logs, certificates and at the machine
 * below. What cannot be looked at is reported and hides nothing else; the whole look takes seconds.
 */
export async function lookAround(environment: Environment, surroundings: Surroundings): Promise<Situation> {
  // A client of its own: a scenario's gives answers without secrets, and a Secret is to be compared by what is in it.
  const { ClusterApi: Api } = await import('../cluster/cluster-api.ts');
  const clusters = await Promise.all(
    environment.clusters.map((cluster) => lookInto(environment, cluster, new Api(cluster), surroundings)),
  );
  return { clusters, at: new Date().toISOString() };
}

async function lookInto(
  environment: Environment,
  cluster: EnvironmentCluster,
  api: ReadApi,
  { namespaces, since }: Surroundings,
): Promise<ClusterSituation> {
  const foreign = cluster.foreign === true;
  const { look, unseen } = standingAlone();
  const among = foreign ? [...namespaces, systemNamespace] : undefined;
  const [seen, baseline, network, events, controlPlaneLog] = await Promise.all([
    look('objects', async () => seeObjects(api, among, foreign ? undefined : await keyOf(cluster)), noObjects, 30_000),
    // On clusters of other people only some kinds are looked at, and others write, too: nothing can be told from it.
    look(
      'the state when the mesh was ready',
      async () => (foreign ? undefined : await readBaseline(cluster)),
      undefined,
    ),
    look('the machine', () => networkOf(environment, cluster.name), []),
    look('events', () => warnings(environment, cluster, foreign ? namespaces : undefined), []),
    look('the log of istiod', () => (foreign ? Promise.resolve([]) : istiodWords(environment, cluster, since)), []),
  ]);
  const proxied = seen.objects.filter(
    (pod) => hasSidecar(pod) && (namespaces.includes(pod.namespace ?? '') || (!foreign && isGateway(pod))),
  );
  const facts = await Promise.all(
    proxied.slice(0, 12).map(async (pod) => {
      const proxy = `${cluster.name} ${pod.namespace ?? ''}/${pod.name}`;
      const [trust, refused] = await Promise.all([
        look(`certificates of ${proxy}`, () => trustOfPod(environment, cluster, pod), undefined),
        look(`access log of ${proxy}`, () => refusedBy(environment, cluster, pod, since), []),
      ]);
      return { trust, refused };
    }),
  );
  return {
    cluster: cluster.name,
    objects: seen.objects,
    ...(baseline === undefined ? {} : { baseline: baseline.objects, networkBaseline: baseline.network }),
    events,
    controlPlaneLog,
    refusedCalls: facts.flatMap(({ refused }) => refused),
    trust: facts.flatMap(({ trust }) => trust ?? []),
    network,
    unseen: [...seen.unseen, ...unseen],
  };
}

/**
 * What values that must not be written down are hashed with: as long as the cluster lives, known to whoever may read
 * its kubeconfig only.
 */
const keyOf = async ({ kubeconfig }: { readonly kubeconfig: string }): Promise<string> =>
  createHash('sha256')
    .update(await readFile(kubeconfig))
    .digest('hex');

async function readBaseline({ baseline }: EnvironmentCluster): Promise<Baseline | undefined> {
  if (baseline === undefined) return undefined;
  const kept = baselineSchema.parse(JSON.parse(await readFile(baseline, 'utf8')));
  return kept.form === baselineForm ? kept : undefined;
}

/** The machine below a cluster that meshproof made; of other people's machines nothing is asked. */
async function networkOf(
  { provider, name, programs, dockerHost, networkNamespace }: Environment,
  cluster: string,
): Promise<string[]> {
  const { nodeOf } = providerNamed(provider);
  if (nodeOf === undefined) return [];
  const docker = new Docker(programs.docker, dockerHost);
  const [node, bridges] = await Promise.all([
    machineLines(docker, nodeOf(name, cluster)),
    networkNamespace === undefined ? [] : bridgeLines(),
  ]);
  return [...node, ...bridges];
}

async function kubectlOutput(
  { programs }: Environment,
  cluster: EnvironmentCluster,
  args: readonly string[],
  purpose: string,
): Promise<string> {
  const { stdout } = await runProgram({
    program: programs.kubectl,
    args: [...clusterFlags(cluster), '--request-timeout=8s', ...args],
    purpose,
    code: 'MP702',
    where: `cluster ${cluster.name}`,
    timeout: 10_000,
  });
  return stdout;
}

async function warnings(
  environment: Environment,
  cluster: EnvironmentCluster,
  namespaces: readonly string[] | undefined,
): Promise<ClusterSituation['events']> {
  const row =
    '{range .items[*]}{.involvedObject.kind} ' +
    '{.involvedObject.namespace}/{.involvedObject.name}{"\\t"}{.reason}{"\\t"}{.message}{"\\n"}{end}';
  const wheres = namespaces === undefined ? [['--all-namespaces']] : namespaces.map((namespace) => ['-n', namespace]);
  const texts = await Promise.all(
    wheres.map((where) =>
      kubectlOutput(
        environment,
        cluster,
        ['get', 'events', ...where, '--field-selector=type=Warning', `-o=jsonpath=${row}`],
        'read the warnings',
      ),
    ),
  );
  return texts
    .flatMap((text) => text.split('\n'))
    .filter((line) => line.includes('\t'))
    .map((line) => {
      const [about = '', reason = '', message = ''] = line.split('\t');
      return { about, reason, message: message.slice(0, 500) };
    })
    .slice(-60);
}

/** What istiod logs as an error or a warning, and what proxies answered that it noted. */
async function istiodWords(environment: Environment, cluster: EnvironmentCluster, since: Date): Promise<string[]> {
  const text = await kubectlOutput(
    environment,
    cluster,
    ['logs', '-n', systemNamespace, '-l', 'app=istiod', '--tail=600', `--since-time=${since.toISOString()}`],
    'read the log of istiod',
  );
  const lines = text.split('\n').filter((line) => /\t(error|warn)\t|ACK ERROR|NACK|rejected/i.test(line));
  return [...new Set(lines.map((line) => line.replace(/^\S+\t/, '').slice(0, 600)))].slice(-20);
}

const hasSidecar = (pod: SeenObject): boolean =>
  pod.kind === 'Pod' &&
  [...listIn(pod.body, 'spec.containers'), ...listIn(pod.body, 'spec.initContainers')].some(
    (container) => textIn(recordIn(container), 'name') === 'istio-proxy',
  );

const isGateway = ({ namespace, labels }: SeenObject): boolean =>
  namespace === systemNamespace && labels['istio']?.endsWith('gateway') === true;

async function trustOfPod(
  { programs }: Environment,
  cluster: EnvironmentCluster,
  pod: SeenObject,
): Promise<ReturnType<typeof trustOf>> {
  const { name } = cluster;
  const where = proxyOf(cluster, pod.namespace ?? '', pod.name);
  const path = 'config_dump?resource=dynamic_active_secrets';
  const text = await getFromPod(programs.kubectl, where, envoyAdmin, path, 8_000);
  return trustOf(`${name} ${pod.namespace ?? ''}/${pod.name}`, JSON.parse(text));
}

async function refusedBy(
  environment: Environment,
  cluster: EnvironmentCluster,
  pod: SeenObject,
  since: Date,
): Promise<ReturnType<typeof refusedCallsOf>> {
  const namespace = pod.namespace ?? '';
  const text = await kubectlOutput(
    environment,
    cluster,
    ['logs', '-n', namespace, pod.name, '-c', 'istio-proxy', '--tail=200', `--since-time=${since.toISOString()}`],
    'read the access log',
  );
  return refusedCallsOf(`${cluster.name} ${namespace}/${pod.name}`, text);
}

/** Rejects when work takes longer than it may; the work's own deadline ends it. */
async function inTime<T>(work: Promise<T>, within: number): Promise<T> {
  const late = AbortSignal.timeout(within);
  return await Promise.race([
    work,
    new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => {
        reject(new Error(`no answer within ${within / 1000} s`));
      });
    }),
  ]);
}
