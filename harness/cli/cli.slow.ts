import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from '../errors/catalogue.ts';
import { unpackRun } from '../../fixtures/runs/recorded-run.ts';
import { environmentSchema } from '../scenario/environment.ts';

const bin = fileURLToPath(new URL('./bin.js', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command line in a process of its own, with a cache and a state of its own. */
async function meshproof(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [bin, ...args], {
    cwd: folder,
    reject: false,
    env: { MESHPROOF_CACHE: join(folder, 'cache'), MESHPROOF_STATE: join(folder, 'state'), ...env },
  });
  return { code: exitCode, stdout, stderr };
}

describe('list', () => {
  test('--json gives id, section, claims and needs', async () => {
    const { code, stdout } = await meshproof(['list', '--json']);
    expect(code).toBe(0);
    const scenarios = JSON.parse(stdout) as {
      id: string;
      section: string;
      claims: Record<string, string>;
      needs: { clusters: number };
    }[];
    expect(scenarios[0]).toMatchObject({ id: 'prerequisites', section: 'Prerequisites', needs: { clusters: 2 } });
    const keys = scenarios.flatMap(({ claims }) => Object.keys(claims));
    expect(scenarios.every(({ claims }) => Object.keys(claims).length > 0)).toBe(true);
    expect(keys.filter((key) => !/^[a-z][a-z0-9-]*[a-z0-9]$/.test(key))).toEqual([]);
    // 87 on the page's topology, 4 on multi-primary.
    expect(keys).toHaveLength(91);
    expect(scenarios.map(({ id }) => id)).toContain('direct-sidecar');
  });

  test('--published says which releases there are, and how each file and image is checked', async () => {
    const { code, stdout } = await meshproof(['list', '--published', '--json']);
    expect(code).toBe(0);
    const list = JSON.parse(stdout) as {
      versions: { istio: string[]; kubernetes: string[] };
      default: { istio: string; kubernetes: string };
      images: { name: string; digest?: string; evidence: string }[];
    };
    expect(list.versions.kubernetes).toContain(list.default.kubernetes);
    const node = list.images.find(({ name }) => name === `kindest/node:${list.default.kubernetes}`);
    expect(node).toMatchObject({ digest: expect.stringMatching(/^sha256:/), evidence: expect.stringMatching(/kind/) });
  });
});

describe('doctor', () => {
  test('--json says of each component what will be done, and of the disk what it needs', async () => {
    const { stdout } = await meshproof(['doctor', '--json', '--toolchain', 'source']);
    const report = JSON.parse(stdout) as {
      ready: boolean;
      components: { name: string; version: string; state: string; seconds: number; bytes: number }[];
      problems: { code: string }[];
    };
    expect(report.components.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'kind',
        'kubectl',
        'kubeadm',
        'kubelet',
        'etcd',
        'coredns',
        'metallb',
        'istioctl',
        'pilot',
        'pilot-agent',
        'envoy',
        'httpbin',
        'node-image',
      ]),
    );
    expect(report.components.every(({ state }) => ['cached', 'fetch', 'build', 'missing'].includes(state))).toBe(true);
    // Where a tool of the build is not there, nothing can be built, and a problem says so.
    const toolsAreThere = report.problems.every(({ code }) => code !== 'MP203');
    expect(report.components.find(({ name }) => name === 'kubelet')).toMatchObject({
      state: toolsAreThere ? 'build' : 'missing',
      version: 'v1.34.4',
    });
  });

  test('names a tool that is missing and how to get it, and is not ready', async () => {
    const { code, stdout } = await meshproof(['doctor', '--json', '--toolchain', 'source'], { PATH: folder });
    const report = JSON.parse(stdout) as {
      ready: boolean;
      components: { name: string; state: string }[];
      problems: { code: string; message: string; remedy: string }[];
    };
    expect(code).toBe(3);
    expect(report.ready).toBe(false);
    expect(report.problems).toContainEqual({
      code: 'MP203',
      message: 'go is not on this machine',
      remedy: expect.stringContaining('apt-get install'),
    });
    expect(report.components.find(({ name }) => name === 'kubelet')?.state).toBe('missing');
  });
});

describe('bad input ends with a clear error and its exit code', () => {
  test('an unknown scenario', async () => {
    const { code, stderr, stdout } = await meshproof(['run', '--only', 'direct-sidcar']);
    expect(code).toBe(2);
    expect(stderr).toContain('MP101');
    expect(stderr).toContain('nearest: direct-sidecar');
    expect(stdout).toBe('');
  });

  test.each([
    ['an empty id', ['run', '--only', 'direct-sidecar,']],
    ['an unknown option', ['run', '--fast']],
    ['an unknown command', ['fly']],
    ['an unknown provider', ['run', '--provider', 'minikube']],
  ])('%s', async (_name, args) => {
    const { code, stderr } = await meshproof(args);
    expect(code).toBe(2);
    expect(stderr).toContain('MP103');
  });

  test('a config file with a wrong key', async () => {
    const file = join(folder, 'wrong.yaml');
    await writeFile(file, 'name: m\nclusers: [a, b]\n');
    const { code, stderr } = await meshproof(['--config', file, 'run']);
    expect(code).toBe(2);
    expect(stderr).toContain('MP102');
    expect(stderr).toContain(`${file}:2`);
  });

  test('a kubeconfig context that does not answer', async () => {
    const kubeconfig = join(folder, 'kubeconfig');
    const contexts = ['a', 'b'].map((name) => ({ name, context: { cluster: 'dead', user: 'u' } }));
    await writeFile(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        contexts,
        clusters: [{ name: 'dead', cluster: { server: 'http://127.0.0.1:1' } }],
        users: [{ name: 'u', user: {} }],
      }),
    );
    const file = join(folder, 'existing.yaml');
    await writeFile(
      file,
      `provider: existing\nkubeconfig: ${kubeconfig}\ncontexts: {west: a, east: b}\nreports: ` +
        `${join(folder, 'reports')}\n`,
    );
    const { code, stderr, stdout } = await meshproof(['--config', file, 'run', '--json']);
    expect(stderr).toContain('MP504');
    expect(stderr).toContain('context a');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'error', error: 'MP504', claims: { passed: 0 } });
  });

  test('a context that the kubeconfig does not have', async () => {
    const file = join(folder, 'unknown.yaml');
    await writeFile(
      file,
      `provider: existing\nkubeconfig: ${join(folder, 'kubeconfig')}\ncontexts: {west: a, east: ` +
        `nowhere}\nreports: ${join(folder, 'reports')}\n`,
    );
    const { code, stderr } = await meshproof(['--config', file, 'run', '--json']);
    expect(code).toBe(3);
    expect(stderr).toContain('no context nowhere');
  });

  test('neither root nor Docker', async () => {
    const asNobody = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    const call = [...asNobody, process.execPath, bin, 'doctor', '--json'];
    const home = await mkdtemp(join(tmpdir(), 'meshproof-nobody-'));
    await execa('chmod', ['777', home]);
    const { stdout, exitCode } = await execa(call[0] ?? '', call.slice(1), {
      reject: false,
      cwd: home,
      env: { HOME: home, MESHPROOF_CACHE: join(home, 'cache'), DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    });
    await rm(home, { recursive: true });
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      ready: false,
      engine: 'none',
      problems: expect.arrayContaining([expect.objectContaining({ code: 'MP201' })]),
    });
  });

  test.each([[['exec', 'true']], [['run', '--reuse']]])('nothing to reuse: %s', async (args) => {
    const { code, stderr } = await meshproof(args);
    expect(code).toBe(2);
    expect(stderr).toContain('MP105');
  });
});

describe('a killed run', () => {
  test('is reported by status, and its environment file still names what there is to remove', async () => {
    const left = environmentSchema.parse({
      name: 'meshproof',
      provider: 'existing',
      status: 'creating',
      createdAt: '2026-01-01T00:00:00Z',
      programs: { kubectl: 'kubectl', istioctl: 'istioctl', kind: 'kind', docker: 'docker' },
      versions: { kubernetes: 'v1', istio: '1', edition: 'source' },
      images: { httpbin: '', httpbinPort: 8080, curl: '' },
      clusterNames: ['west', 'east'],
      clusters: [],
    });
    const state = join(folder, 'left');
    await execa('mkdir', ['-p', join(state, 'meshproof')]);
    await writeFile(join(state, 'meshproof', 'environment.json'), JSON.stringify(left));
    const { stdout } = await meshproof(['status', '--json'], { MESHPROOF_STATE: state });
    expect(JSON.parse(stdout)).toMatchObject({ environment: { status: 'creating', clusterNames: ['west', 'east'] } });
    expect(await meshproof(['run', '--reuse'], { MESHPROOF_STATE: state })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('never finished'),
    });
    expect(await meshproof(['run'], { MESHPROOF_STATE: state })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('MP501'),
    });
  });
});

describe('explain', () => {
  test('lists every code, and tells one of them', async () => {
    const { stdout } = await meshproof(['explain']);
    expect(stdout.trim().split('\n')).toHaveLength(Object.keys(catalogue).length);
    expect((await meshproof(['explain', 'mp506'])).stdout).toContain(catalogue.MP506.remedy);
  });

  test('refuses a code that there is not', async () => {
    expect(await meshproof(['explain', 'MP000'])).toMatchObject({ code: 2, stderr: expect.stringContaining('MP104') });
  });
});

describe('walkthrough', () => {
  test('--coverage: every command of the page has a step, and what is replaced has a reason', async () => {
    const { code, stdout } = await meshproof(['walkthrough', '--coverage', '--json']);
    const covered = JSON.parse(stdout) as {
      id: string;
      command: string;
      steps: { by: string; step: string; instead?: string }[];
    }[];
    expect(covered.filter(({ steps }) => steps.length === 0)).toEqual([]);
    expect(covered).toHaveLength(29);
    expect(
      covered
        .flatMap(({ steps }) => steps.flatMap(({ instead }) => instead ?? []))
        .every((reason) => reason.length > 30),
    ).toBe(true);
    expect(code).toBe(0);
  });

  test('writes the page as executed beside the run that was named', async () => {
    const run = join(folder, 'run');
    await mkdir(run);
    await copyFile(
      fileURLToPath(new URL('../../fixtures/runs/three-scenarios.json', import.meta.url)),
      join(run, 'run.json'),
    );
    const { code, stdout } = await meshproof(['walkthrough', run]);
    expect({ code, file: stdout.trim() }).toEqual({ code: 0, file: join(run, 'walkthrough.md') });
    expect(await readFile(join(run, 'walkthrough.md'), 'utf8')).toContain('HTTP/1.1 200 OK');
  });

  test('without any run says so', async () => {
    const { code, stderr } = await meshproof(['walkthrough', join(folder, 'nowhere')]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('MP710') });
  });
});

describe('probe', () => {
  const dump = fileURLToPath(new URL('../../fixtures/config-dumps/sleep.json', import.meta.url));

  test('--file --match shows the rows of one host in every section', async () => {
    const { code, stdout } = await meshproof(['probe', '--file', dump, '--match', 'httpbin.bar.global']);
    expect(code).toBe(0);
    for (const text of ['STRICT_DNS', 'outbound_.8000_._.httpbin.bar.global', '172.17.255.223:15443', 'mutual TLS'])
      expect(stdout).toContain(text);
    expect(stdout).not.toContain('outbound|443||');
  });

  test('--trace follows a call, and fails at the hop that is missing', async () => {
    const whole = await meshproof(['probe', '--file', dump, '--trace', 'httpbin.bar.global:8000']);
    expect({
      code: whole.code,
      lines: whole.stdout.trim().split('\n').length,
      all: !whole.stdout.includes('✗'),
    }).toEqual({ code: 0, lines: 5, all: true });
    const broken = await meshproof(['probe', '--file', dump, '--trace', 'nobody.bar.global:8000']);
    expect(broken.code).toBe(1);
    expect(broken.stdout).toMatch(/✗ .* listener: expected a listener for nobody\.bar\.global:8000/);
  });

  test('refuses a section and a file that are not there', async () => {
    expect(await meshproof(['probe', '--file', dump, '--only', 'listner'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nearest: listeners'),
    });
    expect(await meshproof(['probe', '--file', join(folder, 'none.json')])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('MP711'),
    });
  });
});

test('run --shuffle takes a whole number only', async () => {
  expect(await meshproof(['run', '--shuffle', 'x'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('MP103'),
  });
});

describe('what is computed from runs on disk', () => {
  let green: string;
  let broken: string;
  beforeAll(async () => {
    [green, broken] = await Promise.all([unpackRun('green'), unpackRun('fault-gateway')]);
  });
  afterAll(async () => {
    for (const run of [green, broken]) await rm(run, { recursive: true });
  });

  test('replay: the same as live, within a second, and the exit code of its verdict', async () => {
    const whole = await meshproof(['replay', green, '--json']);
    const told = JSON.parse(whole.stdout) as { verdict: string; same: boolean; seconds: number; claims: object };
    expect(told).toMatchObject({ verdict: 'passed', same: true, claims: { passed: 87, failed: 0 } });
    expect(whole.code).toBe(0);
    expect(await meshproof(['replay', broken])).toMatchObject({ code: 1, stdout: expect.stringContaining('MP807') });
  });

  test('replay needs a run with evidence', async () => {
    const run = join(folder, 'no-evidence');
    await mkdir(run);
    await copyFile(
      fileURLToPath(new URL('../../fixtures/runs/three-scenarios.json', import.meta.url)),
      join(run, 'run.json'),
    );
    expect(await meshproof(['replay', run])).toMatchObject({ code: 2, stderr: expect.stringContaining('MP713') });
    expect(await meshproof(['replay', join(folder, 'nowhere')])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('MP710'),
    });
  });

  test('diagnose: the broken hop of a fleet, and exit code 1', async () => {
    const { code, stdout } = await meshproof([
      'diagnose',
      join(broken, 'evidence'),
      '--host',
      'httpbin.bar.global:8000',
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/1 broken/) });
    // Scenarios that played at the same time had declared their hosts in one cluster, and not yet in the other.
    const own = ['--host', 'httpbin.node-port-server.global:8000'];
    const whole = await meshproof(['diagnose', join(green, 'evidence', 'node-port'), ...own, '--json']);
    expect(whole.code).toBe(0);
    expect(JSON.parse(whole.stdout)).toMatchObject({
      paths: expect.arrayContaining([expect.objectContaining({ service: 'httpbin.node-port-server.global:8000' })]),
    });
    expect(await meshproof(['diagnose', folder, '--host', 'a:b'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('MP103'),
    });
  });

  test('diff: gates by what is asked for', async () => {
    expect(await meshproof(['diff', green, green])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('0 regressions'),
    });
    expect(await meshproof(['diff', green, broken])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('6 regressions'),
    });
    expect(await meshproof(['diff', broken, green, '--fail-on', 'config'])).toMatchObject({ code: 1 });
    expect(await meshproof(['diff', green, green, '--fail-on', 'moods'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('MP103'),
    });
  });

  test('report: of a run that was killed before it could write any', async () => {
    const run = join(folder, 'killed');
    await mkdir(run);
    const data = JSON.parse(await readFile(join(green, 'run.json'), 'utf8')) as object;
    await writeFile(join(run, 'run.json'), JSON.stringify({ ...data, verdict: 'running' }));
    expect(await meshproof(['report', run])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('report.html'),
      stderr: expect.stringContaining('Allure has no results'),
    });
    expect(await readFile(join(run, 'report.html'), 'utf8')).toContain('did not come to a verdict');
    expect(await readFile(join(run, 'conformance.yaml'), 'utf8')).toContain('direct-sidecar');
  });
});

test.each([
  ['services export without clusters', ['services', 'export'], 'MP105'],
  ['services export --watch without anything to keep in step', ['services', 'export', '--watch'], 'MP105'],
  ['a dry run of clusters that are not there yet', ['run', '--dry-run'], 'MP103'],
  ['a gate whose second mesh is none', ['gate', '--base', 'istio@1.30.0', '--head', 'path:/nowhere'], 'MP305'],
  ['a gate without a base', ['gate', '--head', 'istio@1.30.0'], 'MP103'],
])('%s', async (_name, args, code) => {
  expect(await meshproof(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(code) });
});
