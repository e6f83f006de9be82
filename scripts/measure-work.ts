/**
 * Maintainers' script: how much processor time the pieces take of which every run is made, on a kept environment that
 * does nothing else: `npx meshproof exec -- npx tsx scripts/measure-work.ts`. What the clusters take when nothing
 * happens is measured first, and not counted.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { echo } from 'zx';
import { ClusterApi } from '../harness/cluster/cluster-api.ts';
import { injectedNamespace, sleep } from '../harness/cluster/workloads.ts';
import { topologyNamed } from '../harness/mesh/topologies/registry.ts';
import { curl } from '../harness/probe/curl.ts';
import { envoyAdmin, getFromPod } from '../harness/probe/loopback.ts';
import { execInPod } from '../harness/probe/pod.ts';
import { environmentSchema } from '../harness/scenario/environment.ts';
import { readyPod } from '../harness/scenario/ready-pod.ts';
import { holds, notYet, waitFor } from '../harness/wait/wait-for.ts';

const file = process.env['MESHPROOF_ENVIRONMENT'];
if (file === undefined) throw new Error('run it by `npx meshproof exec --`');
const environment = environmentSchema.parse(JSON.parse(await readFile(file, 'utf8')));
const [cluster] = environment.clusters;
if (cluster === undefined) throw new Error('the environment has no cluster');
const { kubectl } = environment.programs;
const api = new ClusterApi(cluster);
const namespace = 'measure-work';
const within = { within: 60_000, signal: new AbortController().signal };

/** Seconds that all processors of the machine have worked so far (proc(5): /proc/stat, in hundredths). */
async function worked(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / 100;
}

async function measured(work: () => Promise<unknown>): Promise<{ readonly seconds: number; readonly cpu: number }> {
  const [begun, before] = [performance.now(), await worked()];
  await work();
  return { seconds: (performance.now() - begun) / 1000, cpu: (await worked()) - before };
}

const resting = await measured(() => pause(20_000));
const rate = resting.cpu / resting.seconds;
echo(`resting: ${rate.toFixed(2)} of ${availableParallelism()} processors`);

async function each(what: string, times: number, work: () => Promise<unknown>): Promise<void> {
  const { seconds, cpu } = await measured(async () => {
    for (let turn = 0; turn < times; turn += 1) await work();
  });
  const own = Math.max(0, cpu - rate * seconds) / times;
  echo(`${what}: ${own.toFixed(2)} s of processor time, ${(seconds / times).toFixed(2)} s, each of ${times}`);
}

const objects = sleep({
  namespace,
  image: environment.images.curl,
  annotations: { ...topologyNamed(environment.topology).clientAnnotations },
});
const [deployment] = objects.filter(({ kind }) => kind === 'Deployment');
if (deployment === undefined) throw new Error('sleep has no deployment');
const ready = async (): Promise<string> => {
  await api.waitForDeployment(namespace, 'sleep', within);
  return (await readyPod(api, namespace, 'app=sleep', within)).name;
};
try {
  await api.applyAll([injectedNamespace(namespace), ...objects]);
  await ready();
  await each('a pod with a sidecar, until it serves, and until it is gone', 5, async () => {
    await api.delete(deployment);
    await waitFor({
      name: 'the pod is gone',
      where: `cluster ${cluster.name}`,
      ...within,
      look: async () =>
        (await api.core.listNamespacedPod({ namespace })).items.length === 0 ? holds(true) : notYet('it is there'),
    });
    await api.apply(deployment);
    await ready();
  });
  const pod = await ready();
  const { name, kubeconfig, context, foreign } = cluster;
  const where = { cluster: name, kubeconfig, context, namespace, pod, foreign };
  await each('a program in a pod', 20, () => execInPod(kubectl, { ...where, container: 'sleep' }, ['true']));
  await each('curl in a pod', 20, () =>
    curl(kubectl, { ...where, container: 'sleep' }, 'http://localhost:15000/ready'),
  );
  await each('a config dump', 20, () =>
    getFromPod(kubectl, { ...where, container: 'istio-proxy' }, envoyAdmin, 'config_dump?include_eds'),
  );
} finally {
  await api.delete(injectedNamespace(namespace));
  await api.waitUntilGone(namespace, within);
}
