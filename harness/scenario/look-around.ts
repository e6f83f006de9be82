import { clusterFlags } from '../process/cluster-flags.ts';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ClusterApi } from '../cluster/cluster-api.ts';
import { providerNamed } from '../cluster/providers/registry.ts';
import { bridgeLines, machineLines } from '../diagnose/machine.ts';
import { refusedCallsOf, trustOf } from '../diagnose/proxy-facts.ts';
import { seeObjects } from '../diagnose/seen-objects.ts';
import { seenObjectSchema, type ClusterSituation, type SeenObject, type Situation } from '../diagnose/situation.ts';
import { listIn, recordIn, textIn } from '../diagnose/causes/reading.ts';
import { systemNamespace } from '../mesh/operator.ts';
import { envoyAdmin, getFromPod } from '../probe/loopback.ts';
import { runProgram } from '../process/run-program.ts';
import { Docker } from '../toolchain/docker.ts';
import type { Environment, EnvironmentCluster } from './environment.ts';

/** Raised whenever more is looked at, or in another form: what an older version saw is not compared with that. */
const baselineForm = 2;

/** The state of a cluster when its mesh was proven ready: what is other later was done to it. */
export const baselineSchema = z.object({
  form: z.number().default(1),
  objects: z.array(seenObjectSchema),
  network: z.array(z.string()),
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
  const [{ objects }, network] = await Promise.all([
    seeObjects(api, undefined, await keyOf(api.address)),
    networkOf(environment, api.address.name),
  ]);
  return { form: baselineForm, objects, network };
}

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
  const unseen: string[] = [];
  /** Each look stands alone, and ends in time. */
  const look = async <T>(what: string, work: () => Promise<T>, otherwise: T, within = 12_000): Promise<T> => {
    try {
      return await inTime(work(), within);
    } catch (error) {
      unseen.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return otherwise;
    }
  };
  const among = foreign ? [...namespaces, systemNamespace] : undefined;
  const [seen, baseline, network, events, controlPlaneLog] = await Promise.all([
    look(
      'objects',
      async () => seeObjects(api, among, foreign ? undefined : await keyOf(cluster)),
      { objects: [] as SeenObject[], unseen: [] as string[] },
      30_000,
    ),
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
  const { name, kubeconfig, context } = cluster;
  const where = {
    cluster: name,
    kubeconfig,
    context,
    namespace: pod.namespace ?? '',
    pod: pod.name,
    container: 'istio-proxy',
    foreign: cluster.foreign,
  };
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
