import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { parseAllDocuments } from 'yaml';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ApiServer, status, type Recorded } from '../cluster/stand-in/api-server.ts';
import { attributesOf, authorizer, type Attributes } from '../cluster/stand-in/authorizer.ts';
import { inhabitedCluster } from '../cluster/stand-in/inhabited.ts';
import { kubeconfigFor } from '../cluster/stand-in/kubeconfig.ts';
import { kubectlStandIn } from '../cluster/stand-in/kubectl.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';

/** The real command line against API servers that record every request, on clusters that people live in. */
const bin = fileURLToPath(new URL('./bin.js', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
let folder: string;
let servers: readonly ApiServer[];
let before: ReadonlyMap<ApiServer, readonly KubernetesObject[]>;
let total = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  await writeFile(join(folder, 'kubectl'), kubectlStandIn(process.execPath));
  await chmod(join(folder, 'kubectl'), 0o755);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  process.stdout.write(`requests recorded: ${total}\n`);
});
beforeEach(async () => {
  servers = await Promise.all(['192.0.2.1', '192.0.2.2'].map((address) => ApiServer.start(inhabitedCluster(address))));
  before = new Map(servers.map((server) => [server, server.objects]));
  const [west, east] = servers.map(({ url }) => url);
  await writeFile(join(folder, 'kubeconfig'), kubeconfigFor({ a: west ?? '', b: east ?? '' }));
  await writeFile(join(folder, 'meshproof.yaml'), configOf({ west: 'a', east: 'b' }));
  await rm(join(folder, 'state'), { recursive: true, force: true });
});
afterEach(async () => {
  total += servers.reduce((sum, { requests }) => sum + requests.length, 0);
  for (const server of servers) await server.stop();
});

const configOf = (contexts: Record<string, string>, rest = ''): string =>
  `provider: existing\nkubeconfig: ${join(folder, 'kubeconfig')}\ncontexts: ` +
  `${JSON.stringify(contexts)}\nreports: ${join(folder, 'reports')}\n${rest}`;

interface Answer {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], state = 'state', path?: string) {
  return execa(process.execPath, [bin, ...args], {
    cwd: folder,
    reject: false,
    stdin: 'ignore',
    env: {
      MESHPROOF_CACHE: join(folder, 'cache'),
      MESHPROOF_STATE: join(folder, state),
      PATH: path ?? `${folder}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    },
  });
}
async function meshproof(args: readonly string[], state?: string, path?: string): Promise<Answer> {
  const { exitCode, stdout, stderr } = await start(args, state, path);
  return { code: exitCode, stdout, stderr };
}
const writes = (): Recorded[] => servers.flatMap((server) => server.writes);
const owned = (object: unknown): boolean => {
  const { metadata } = (object ?? {}) as Partial<KubernetesObject>;
  return (
    metadata?.labels?.['app.kubernetes.io/managed-by'] === 'meshproof' &&
    metadata.labels['meshproof/owner'] !== undefined
  );
};

/**
 * Whatever was there before is there still, in the very version that it had, and no write was about anything else than
 * own objects.
 */
function expectNothingForeign(): void {
  for (const server of servers) expect(server.objects).toEqual(expect.arrayContaining([...(before.get(server) ?? [])]));
  for (const { method, path, body, before: object } of writes())
    expect({ method, path, own: method === 'POST' ? owned(body) : owned(object) }).toEqual({ method, path, own: true });
}
/** All that is there is what was there; what belonged to deleted objects is collected in a moment. */
async function expectAsBefore(): Promise<void> {
  for (const server of servers) {
    await expect.poll(() => server.objects.length, { timeout: 5_000 }).toBe(before.get(server)?.length);
    expect(server.objects).toEqual(before.get(server));
  }
}

describe('before anybody agreed nothing is written', () => {
  test.each([
    ['run', ['run', '--json'], 'MP508'],
    ['run --keep', ['run', '--keep'], 'MP508'],
    ['gate', ['gate', '--base', 'istio@1.30.4', '--head', 'istio@1.31.0'], 'MP509'],
    ['run --reuse of an environment that was kept', ['run', '--reuse'], 'MP508'],
    ['services export --apply', ['services', 'export', '--apply', '--name', 'a'], 'MP508'],
    [
      'exec -- vitest',
      ['exec', '--', process.execPath, vitest, 'run', '--root', root, '--project', 'conformance'],
      'MP508',
    ],
  ])('%s', async (_name, args, code) => {
    if (args.includes('--reuse') || args[0] === 'exec') expect(await meshproof(['up'])).toMatchObject({ code: 0 });
    const answer = await meshproof(args);
    expect({ code: answer.code, told: answer.stderr + answer.stdout }).toEqual({
      code: args[0] === 'exec' ? 1 : 2,
      told: expect.stringContaining(code),
    });
    expect(writes()).toEqual([]);
    await expectAsBefore();
  });

  test('the question names contexts, namespaces, kinds and deletions', async () => {
    const { stderr } = await meshproof(['run']);
    for (const word of [
      'west: context a',
      'namespaces',
      'bar',
      'foo',
      'ServiceEntries',
      'Deleted there',
      'meshproof/owner=meshproof-',
    ])
      expect(stderr).toContain(word);
  });

  test('up writes nothing, and asks nothing', async () => {
    expect(await meshproof(['up', '--json'])).toMatchObject({ code: 0, stdout: expect.stringContaining('"passed"') });
    expect(writes()).toEqual([]);
  });
});

describe('with an agreement only what is own is written', () => {
  test('run: everything that it made is gone afterwards, and the stub domain of the people is as it was', async () => {
    const { stdout } = await meshproof([
      'run',
      '--yes',
      '--json',
      '--only',
      'direct-sidecar,prerequisites,version-subsets',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ claims: { error: expect.any(Number) } });
    expect(writes().length).toBeGreaterThan(10);
    expectNothingForeign();
    await expectAsBefore();
  });

  test('run --keep, run --reuse, down', async () => {
    await meshproof(['run', '--yes', '--keep', '--only', 'direct-sidecar']);
    expect(servers[0]?.objects.map(({ metadata }) => metadata.name)).toContain('foo');
    await meshproof(['run', '--yes', '--reuse', '--only', 'direct-sidecar']);
    expectNothingForeign();
    expect(await meshproof(['down'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Namespace foo of west'),
    });
    expectNothingForeign();
    await expectAsBefore();
  });

  test('a killed run leaves only what is own, and down takes exactly that', async () => {
    const running = start(['run', '--yes', '--only', 'direct-sidecar,version-subsets']);
    try {
      await expect.poll(() => writes().length, { timeout: 200_000 }).toBeGreaterThan(3);
    } finally {
      running.kill('SIGKILL');
      await running;
    }
    expectNothingForeign();
    expect(await meshproof(['down'])).toMatchObject({ code: 0 });
    expectNothingForeign();
    await expectAsBefore();
  });

  test('an interrupted run of several scenarios at once undoes what each of them did', async () => {
    // Of no proxy is anything learned, so that every scenario waits with all that it applied.
    const hanging = join(folder, 'hanging');
    await mkdir(hanging, { recursive: true });
    const mute = `if (args.some((word) => word.includes('config_dump'))) setTimeout(() => undefined, 600_000); else `;
    await writeFile(
      join(hanging, 'kubectl'),
      kubectlStandIn(process.execPath).replace(/^if/m, () => `${mute}if`),
    );
    await chmod(join(hanging, 'kubectl'), 0o755);
    const scenarios = ['direct-sidecar', 'reverse-direction'];
    const labelled = (): string[] =>
      servers.flatMap(({ objects }) =>
        objects.flatMap(({ metadata }) => metadata.labels?.['meshproof/scenario'] ?? []),
      );
    const args = ['run', '--yes', '--keep', '--at-once', '2', '--only', scenarios.join(',')];
    const running = start(args, 'state', `${hanging}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`);
    try {
      await expect.poll(() => [...new Set(labelled())].sort(), { timeout: 200_000 }).toEqual(scenarios);
    } finally {
      running.kill('SIGINT');
    }
    expect(await running).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('MP901') });
    expect(labelled()).toEqual([]);
    expectNothingForeign();
    expect(await meshproof(['down'])).toMatchObject({ code: 0 });
    await expectAsBefore();
  });

  test('two people, two state folders: the second is told whose the namespaces are and takes none down', async () => {
    await meshproof(['run', '--yes', '--keep', '--only', 'direct-sidecar'], 'alice');
    const kept = servers.map(({ objects }) => objects);
    const { stderr } = await meshproof(['run', '--yes', '--only', 'direct-sidecar'], 'bob');
    expect(stderr).toContain('meshproof made for the environment meshproof-');
    await meshproof(['down'], 'bob');
    expect(servers.map(({ objects }) => objects)).toEqual(kept);
    expect(await meshproof(['down'], 'alice')).toMatchObject({ code: 0 });
    await expectAsBefore();
  });

  test(
    'two people at the same moment: a namespace is the first one’s who creates it, and nobody writes to the ' +
      'other’s',
    async () => {
      const both = await Promise.all(
        ['alice', 'bob'].map((state) => meshproof(['run', '--yes', '--json', '--only', 'direct-sidecar'], state)),
      );
      // Whoever comes later is refused by the first one’s objects, or told that the host is taken: not supported, which
      // is no failure.
      expect(both.map(({ code }) => code)).not.toEqual([0, 0]);
      // Every object was written by one of the two only, from its creation to its deletion.
      const writers = new Map<string, Set<string>>();
      for (const { body, before: object } of writes()) {
        const { metadata } = (object ?? body) as KubernetesObject;
        const [key, owner] = [metadata.uid ?? '', metadata.labels?.['meshproof/owner'] ?? 'nobody'];
        writers.set(key, (writers.get(key) ?? new Set()).add(owner));
      }
      for (const [uid, owners] of writers) if (uid !== '') expect([...owners]).toHaveLength(1);
      expectNothingForeign();
      await expectAsBefore();
    },
  );
});

test('a run needs no more than docs/existing-rbac.yaml grants, and leaves lent namespaces as they were', async () => {
  const manifest = parseAllDocuments(await readFile(join(root, 'docs', 'existing-rbac.yaml'), 'utf8')).map(
    (document) => document.toJS() as KubernetesObject,
  );
  const allowed = authorizer(manifest);
  const refused: string[] = [];
  for (const server of servers) {
    for (const object of manifest.filter(({ kind }) => kind === 'Namespace')) server.put(object);
    server.intercept = (method, path, body) => {
      if (path.endsWith('/selfsubjectaccessreviews')) {
        const { spec } = body as { readonly spec: { readonly resourceAttributes: Attributes } };
        const { verb, group, resource, namespace } = spec.resourceAttributes;
        return {
          status: 201,
          body: { ...(body as object), status: { allowed: allowed({ verb, group, resource, namespace }) } },
        };
      }
      const attributes = attributesOf(method, path);
      if (attributes === undefined || allowed(attributes)) return undefined;
      refused.push(`${attributes.verb} ${attributes.resource} in ${attributes.namespace ?? 'the cluster'}`);
      return status(403, `${path} is forbidden`);
    };
  }
  before = new Map(servers.map((server) => [server, server.objects]));
  await meshproof(['run', '--yes', '--only', 'direct-sidecar']);
  expect(refused).toEqual([]);
  expect(writes().length).toBeGreaterThan(5);
  expectNothingForeign();
  await expectAsBefore();
  // The control: without the bindings of one namespace the same run is refused.
  expect(
    authorizer(manifest.filter(({ metadata }) => metadata.namespace !== 'foo'))({
      verb: 'create',
      group: 'apps',
      resource: 'deployments',
      namespace: 'foo',
    }),
  ).toBe(false);
});

describe('a kept environment that is not the one configured', () => {
  test.each([
    ['another provider', () => `reports: ${join(folder, 'reports')}\n`, 'the providers differ'],
    ['other contexts', () => configOf({ west: 'b', east: 'a' }), 'the contexts of west differ'],
    ['other clusters', () => configOf({ west: 'a', north: 'b' }, 'clusters: [west, north]\n'), 'the clusters differ'],
  ])('%s', async (_name, config, told) => {
    await meshproof(['up']);
    await writeFile(join(folder, 'meshproof.yaml'), config());
    for (const args of [
      ['run', '--reuse', '--yes'],
      ['services', 'export', '--apply', '--name', 'a', '--yes'],
    ]) {
      // An export with contexts of its own keeps no environment.
      if (args[0] === 'services' && config().includes('existing')) continue;
      expect(await meshproof(args)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(new RegExp(`MP105[^]*${told}`)),
      });
    }
    expect(writes()).toEqual([]);
  });
});

test('down where the API does not answer says so, and keeps what is still to be removed', async () => {
  await meshproof(['up']);
  await writeFile(join(folder, 'kubeconfig'), kubeconfigFor({ a: 'http://127.0.0.1:1', b: 'http://127.0.0.1:1' }));
  expect(await meshproof(['down'])).toMatchObject({ code: 3, stderr: expect.stringMatching(/MP504[^]*context a/) });
  expect((await meshproof(['status'])).stdout).toContain('ready');
});

test.each([
  ['whose kubeconfig is gone', () => rm(join(folder, 'kubeconfig')), /MP504[^]*cannot be read/],
  [
    'whose context is gone',
    () => writeFile(join(folder, 'kubeconfig'), kubeconfigFor({ c: 'http://127.0.0.1:1' })),
    /MP504[^]*no context a/,
  ],
])(
  'down of clusters %s says so; --forget leaves them, and says by what to find what stays',
  async (_name, lose, told) => {
    await meshproof(['run', '--yes', '--keep', '--only', 'direct-sidecar']);
    await lose();
    expect(await meshproof(['down'])).toMatchObject({ code: 3, stderr: expect.stringMatching(told) });
    expect(await meshproof(['down', '--forget'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/removed nothing of west[^]*meshproof\/owner=meshproof-[0-9a-f]{12}/),
    });
    expect(await readdir(join(folder, 'state'))).toEqual([]);
  },
);

describe('services export --apply', () => {
  const entriesIn = (server: ApiServer | undefined): string[] =>
    (server?.objects ?? []).filter(({ kind }) => kind === 'ServiceEntry').map(({ metadata }) => metadata.name);
  const exporting = (name: string, ...more: string[]): Promise<Answer> =>
    meshproof(['services', 'export', '--apply', '--yes', '--name', name, ...more]);

  test('two exports live side by side; a stale entry of one goes with its own next export only', async () => {
    const [west] = servers;
    west?.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bank' } });
    west?.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'ledger', namespace: 'bank' },
      spec: { selector: { app: 'ledger' }, ports: [{ name: 'http', port: 80 }] },
    });
    expect(await exporting('shop', '--namespaces', 'shop')).toMatchObject({ code: 0 });
    expect(await exporting('bank', '--namespaces', 'bank')).toMatchObject({ code: 0 });
    expect(entriesIn(west)).toEqual(['payments', 'orders-global', 'ledger-global']);
    expect(await exporting('bank', '--namespaces', 'kube-system')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('MP610'),
    });
    expect(await exporting('bank', '--namespaces', 'kube-system', '--allow-empty')).toMatchObject({ code: 0 });
    expect(entriesIn(west)).toEqual(['payments', 'orders-global']);
    expectNothingForeign();
  });

  test('a misspelt namespace is refused with the nearest name, and deletes nothing', async () => {
    await exporting('shop', '--namespaces', 'shop');
    const kept = servers.map(({ objects }) => objects);
    expect(await exporting('shop', '--namespaces', 'shp')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/MP610[^]*nearest to shp: shop/),
    });
    expect(servers.map(({ objects }) => objects)).toEqual(kept);
  });

  test('the question lists each entry, and each deletion', async () => {
    await exporting('shop', '--namespaces', 'shop');
    const { stderr } = await meshproof([
      'services',
      'export',
      '--apply',
      '--name',
      'shop',
      '--namespaces',
      'default',
      '--allow-empty',
    ]);
    expect(stderr).toMatch(/Deleted there:\s+west: ServiceEntry shop\/orders-global for orders\.shop\.global/);
  });

  test('needs a name', async () => {
    expect(await meshproof(['services', 'export', '--apply', '--yes'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--name'),
    });
    expect(writes()).toEqual([]);
  });
});

test('a prepare that fails leaves the environment that is kept under its name alone', async () => {
  await meshproof(['run', '--yes', '--keep', '--only', 'direct-sidecar']);
  const kept = servers.map(({ objects }) => objects);
  // No program at all is found there, kubectl least of all.
  await mkdir(join(folder, 'nothing'), { recursive: true });
  expect(await meshproof(['prepare'], undefined, join(folder, 'nothing'))).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('MP203'),
  });
  expect((await meshproof(['status'])).stdout).toContain('ready');
  expect(servers.map(({ objects }) => objects)).toEqual(kept);
});

test('the id of what is made lies in the state folder, and goes with it', async () => {
  await meshproof(['up']);
  expect(await readFile(join(folder, 'state', 'meshproof', 'owner'), 'utf8')).toMatch(/^meshproof-[0-9a-f]{12}\n$/);
  expect(await meshproof(['down'])).toMatchObject({ code: 0 });
  expect(await readdir(join(folder, 'state'))).toEqual([]);
});
