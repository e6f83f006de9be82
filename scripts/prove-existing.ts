/**
 * Maintainers' script: proves on real clusters what README promises for clusters of one's own. It brings a pair up
 * under another name, lets other people live there, and uses it as `provider: existing` with exactly the rights of
 * docs/existing-rbac.yaml: dry run, run, run --keep, run --reuse, down. A proxy in front of each API server writes
 * every request down, and asks whose the object is that a write is about. Meanwhile a sidecar of somebody else is
 * asked, again and again, whether it hears of a host of the scenarios.
 *
 * `npm run prove:existing [-- --only <ids>]`; ends with one line of JSON.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { readEnvironment } from '../harness/environment/state.ts';
import { holds, notYet, waitFor } from '../harness/wait/wait-for.ts';
import { neighbours } from './existing/neighbours.ts';
import { RecordingProxy } from './existing/recording-proxy.ts';

const played =
  'prerequisites,direct-sidecar,node-port,load-balancer-hostname,egress-gateway/ip-address,version-subsets,security';
const { values: flags } = parseArgs({
  options: { only: { type: 'string', default: played }, inside: { type: 'boolean', default: false } },
});
const root = resolve(import.meta.dirname, '..');
const bin = join(root, 'harness', 'cli', 'bin.js');
const name = 'prove-existing';
const clusters = ['west', 'east'] as const;

/** Makes the clusters, and takes them away again. */
async function aroundIt(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'meshproof-existing-'));
  const config = join(folder, 'pair.yaml');
  await writeFile(config, `name: ${name}\nreports: ${join(folder, 'reports')}\n`);
  const meshproof = async (...args: string[]): Promise<number> =>
    (await execa(process.execPath, [bin, '--config', config, ...args], { cwd: root, stdio: 'inherit', reject: false }))
      .exitCode ?? 1;
  try {
    if ((await meshproof('up')) !== 0) return 1;
    const script = join(import.meta.dirname, 'prove-existing.ts');
    return await meshproof('exec', '--', process.execPath, '--import', 'tsx', script, '--inside', '--only', flags.only);
  } finally {
    await meshproof('down');
    await rm(folder, { recursive: true });
  }
}

async function prove(): Promise<number> {
  const environment = await readEnvironment(name);
  if (environment === undefined) throw new Error(`no environment ${name} is kept`);
  const { curl, httpbin, httpbinPort } = environment.images;
  const folder = await mkdtemp(join(tmpdir(), 'meshproof-existing-'));
  const proxies = await Promise.all(
    clusters.map((cluster) => RecordingProxy.start(cluster, process.env['KUBECONFIG'] ?? '')),
  );
  const wrong: string[] = [];
  const expected = (what: string, holdsTrue: boolean): void => {
    process.stderr.write(`${holdsTrue ? '✓' : '✗'} ${what}\n`);
    if (!holdsTrue) wrong.push(what);
  };
  try {
    for (const cluster of clusters) await settle(cluster, curl);
    const tokens = await Promise.all(
      clusters.map((cluster) => kubectl(cluster, ['create', 'token', 'meshproof', '--namespace', 'meshproof'])),
    );
    await writeFile(join(folder, 'kubeconfig'), kubeconfigOf(proxies, tokens), { mode: 0o600 });
    const config = join(folder, 'meshproof.yaml');
    await writeFile(
      config,
      stringify({
        name: 'ours',
        provider: 'existing',
        kubeconfig: join(folder, 'kubeconfig'),
        contexts: { west: 'west', east: 'east' },
        reports: join(folder, 'reports'),
        workloads: { curl, httpbin, httpbinPort },
      }),
    );
    const meshproof = async (...args: string[]): Promise<{ readonly code: number; readonly stdout: string }> => {
      const { exitCode = 1, stdout } = await execa(process.execPath, [bin, '--config', config, ...args], {
        cwd: root,
        env: { MESHPROOF_STATE: join(folder, 'state') },
        stdio: ['ignore', 'pipe', 'inherit'],
        reject: false,
      });
      return { code: exitCode, stdout };
    };
    const before = await Promise.all(clusters.map(everythingOf));
    const listening = listenIn();
    const writes = (): number => proxies.flatMap(({ seen }) => seen).filter((one) => one.writes).length;

    const refused = await meshproof('run', '--only', flags.only);
    expected('a run that nobody agreed to ends with exit code 2', refused.code === 2);
    const looked = await meshproof('run', '--dry-run', '--only', flags.only);
    process.stderr.write(looked.stdout);
    expected('before anybody agreed nothing was written', writes() === 0);
    const run = await meshproof('run', '--yes', '--only', flags.only, '--json');
    const { claims } = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '{}') as { claims?: object };
    expected(`the run is green: ${JSON.stringify(claims)}`, run.code === 0);
    const kept = await meshproof('run', '--yes', '--keep', '--only', 'direct-sidecar');
    expected('so is one that keeps', kept.code === 0);
    const again = await meshproof('run', '--yes', '--reuse', '--only', 'direct-sidecar');
    expected('and one that uses that again', again.code === 0);
    const down = await meshproof('down');
    process.stderr.write(down.stdout);
    expected('down ends with exit code 0', down.code === 0);

    const heard = await listening();
    expected(
      `the client’s sidecar heard of a .global host in ${heard.client} of ${heard.looks} looks`,
      heard.client > 0,
    );
    expected('the neighbour’s sidecar in none', heard.neighbour === 0);
    const all = proxies.flatMap(({ seen }) => seen);
    const written = all.filter((one) => one.writes);
    const foreign = written.filter(
      ({ labels }) =>
        labels !== undefined &&
        !(labels['app.kubernetes.io/managed-by'] === 'meshproof' && labels['meshproof/owner']?.startsWith('ours-')),
    );
    for (const { cluster, method, path } of foreign) process.stderr.write(`    ${cluster} ${method} ${path}\n`);
    expected(
      `of ${all.length} requests ${written.length} write, none of them to what is not ours`,
      foreign.length === 0,
    );
    expected('there were writes at all', written.length > 20);
    const denied = all.filter(({ status }) => status === 403);
    for (const { cluster, method, path } of denied.slice(0, 10))
      process.stderr.write(`    ${cluster} ${method} ${path}\n`);
    expected('the rights of docs/existing-rbac.yaml were enough: no request was refused with 403', denied.length === 0);
    const after = await Promise.all(clusters.map(everythingOf));
    const changed = before.flatMap((objects, index) => differences(objects, after[index] ?? new Map()));
    for (const line of changed.slice(0, 20)) process.stderr.write(`    ${line}\n`);
    expected('everything in both clusters is as it was', changed.length === 0);
    const counts = ['POST', 'PATCH', 'PUT', 'DELETE'].map((method): [string, number] => [
      method,
      written.filter((one) => one.method === method).length,
    ]);
    const seen = {
      requests: all.length,
      writes: written.length,
      ...Object.fromEntries(counts),
      foreign: foreign.length,
      denied: denied.length,
      heard,
      claims,
      wrong,
    };
    process.stdout.write(`${JSON.stringify(seen)}\n`);
    return wrong.length === 0 ? 0 : 1;
  } finally {
    for (const proxy of proxies) proxy.stop();
    await rm(folder, { recursive: true });
  }
}

async function kubectl(cluster: string, args: readonly string[], input = ''): Promise<string> {
  const { stdout } = await execa('kubectl', ['--context', cluster, ...args], { input, timeout: 120_000 });
  return stdout;
}

/**
 * A cluster as an administrator has it: with people who live there, and with the rights of the manifest, in place of
 * the samples that `up` made.
 */
async function settle(cluster: string, image: string): Promise<void> {
  await kubectl(cluster, ['delete', 'namespace', 'foo', 'bar', '--ignore-not-found', '--wait=true']);
  await kubectl(cluster, ['apply', '-f', join(root, 'docs', 'existing-rbac.yaml')]);
  const objects = neighbours(image).map((object) => stringify(object));
  await kubectl(cluster, ['apply', '-f', '-'], objects.join('---\n'));
  await kubectl(cluster, ['rollout', 'status', '--namespace=shop', 'deployment/till', '--timeout=100s']);
}

const kubeconfigOf = (proxies: readonly RecordingProxy[], tokens: readonly string[]): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    contexts: clusters.map((cluster) => ({ name: cluster, context: { cluster, user: cluster } })),
    clusters: clusters.map((cluster, index) => ({
      name: cluster,
      // The proxy shows a certificate of its own.
      cluster: { server: proxies[index]?.url, 'insecure-skip-tls-verify': true },
    })),
    users: clusters.map((cluster, index) => ({ name: cluster, user: { token: tokens[index]?.trim() } })),
  });

/**
 * Kinds whose objects a careless run would change; what controllers write by themselves (status, leases, events) is
 * left out.
 */
const kinds = [
  'namespaces,configmaps,secrets,services,serviceaccounts,deployments,daemonsets,pods',
  'gateways.networking.istio.io,serviceentries,destinationrules,virtualservices,envoyfilters',
  'peerauthentications,authorizationpolicies,clusterroles,clusterrolebindings,roles,rolebindings',
].join(',');

/** "Kind namespace/name" → what tells that somebody wrote to it; a pod that was restarted is another one. */
async function everythingOf(cluster: string): Promise<ReadonlyMap<string, string>> {
  const { items } = JSON.parse(await kubectl(cluster, ['get', kinds, '--all-namespaces', '--output=json'])) as {
    readonly items: readonly {
      readonly kind: string;
      readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly namespace?: string };
      readonly [field: string]: unknown;
    }[];
  };
  return new Map(
    // Controllers that elect a leader among them write that into an object every few seconds.
    items
      .filter(({ metadata }) => !JSON.stringify(metadata).includes('control-plane.alpha.kubernetes.io/leader'))
      .map(({ kind, metadata, status: _status, ...rest }) => {
        const { managedFields: _fields, resourceVersion: _version, ...kept } = metadata;
        return [
          `${cluster} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
          JSON.stringify({ kept, rest }),
        ] as const;
      }),
  );
}

function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names
    .filter((one) => before.get(one) !== after.get(one))
    .map((one) => `${one}: ${before.has(one) ? (after.has(one) ? 'changed' : 'is gone') : 'is left'}`);
}

/** Asks two sidecars, until it is told to end, which clusters they know: the neighbour’s, and the one that calls. */
function listenIn(): () => Promise<{ readonly looks: number; readonly neighbour: number; readonly client: number }> {
  let [looks, neighbour, client, over] = [0, 0, 0, false];
  const knows = async (namespace: string, workload: string): Promise<boolean> => {
    const { stdout } = await execa(
      'kubectl',
      ['--context', 'west', 'exec', '-n', namespace, `deploy/${workload}`, '-c', 'istio-proxy', '--'].concat([
        'pilot-agent',
        'request',
        'GET',
        'config_dump?include_eds',
      ]),
      { reject: false, timeout: 20_000, maxBuffer: 64_000_000 },
    );
    return stdout.includes('bar.global');
  };
  const listening = waitFor({
    name: 'the end of the commands',
    within: 3_600_000,
    every: 2_000,
    look: async () => {
      if (over) return holds(undefined);
      const [theirs, ours] = await Promise.all([knows('shop', 'till'), knows('foo', 'sleep')]);
      looks += 1;
      neighbour += theirs ? 1 : 0;
      client += ours ? 1 : 0;
      return notYet('they go on');
    },
  });
  return async () => {
    over = true;
    await listening;
    return { looks, neighbour, client };
  };
}

process.exitCode = await (flags.inside ? prove() : aroundIt());
