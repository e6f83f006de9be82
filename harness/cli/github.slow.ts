import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { describeWith } from '../machine/needs.ts';
import { provideActionlint } from '../toolchain/actionlint.ts';
import { pinnedRelease } from '../toolchain/manifest.ts';
import { publishedVersions } from '../toolchain/published.ts';

// Most tests start the whole command line several times.
vi.setConfig({ testTimeout: 120_000 });

const root = fileURLToPath(new URL('../../', import.meta.url));
const actionFile = join(root, '.github/actions/meshproof/action.yml');

const stepSchema = z.looseObject({
  name: z.string().optional(),
  uses: z.string().optional(),
  with: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  run: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
  if: z.string().optional(),
});
const actionSchema = z.looseObject({
  inputs: z.record(z.string(), z.looseObject({ description: z.string(), default: z.string() })),
  runs: z.object({ using: z.literal('composite'), steps: z.array(stepSchema) }),
});
const workflowSchema = z.looseObject({ jobs: z.record(z.string(), z.looseObject({ steps: z.array(stepSchema) })) });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-github-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Runs a step's script as a runner does: bash with -e and pipefail, the step's variables, a file for its outputs. */
async function runStep(
  script: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | undefined; readonly outputs: string; readonly all: string }> {
  const file = join(folder, 'step.sh');
  const outputs = join(folder, 'outputs');
  await writeFile(file, script);
  await writeFile(outputs, '');
  const { exitCode, all } = await execa('bash', ['--noprofile', '--norc', '-eo', 'pipefail', file], {
    cwd: folder,
    reject: false,
    all: true,
    env: {
      GITHUB_OUTPUT: outputs,
      GITHUB_PATH: join(folder, 'path'),
      GITHUB_ENV: join(folder, 'env'),
      RUNNER_TEMP: folder,
      MESHPROOF_STATE: join(folder, 'state'),
      ...env,
    },
  });
  return { code: exitCode, outputs: await readFile(outputs, 'utf8'), all };
}

async function actionStep(name: string): Promise<string> {
  const { runs } = actionSchema.parse(parse(await readFile(actionFile, 'utf8')));
  const step = runs.steps.find((one) => one.name === name);
  if (step?.run === undefined) throw new Error(`the action has no step “${name}” that runs something`);
  return step.run;
}

const describeHere = await describeWith('Go');
describeHere('actionlint', () => {
  test('every workflow is as GitHub reads it, the inputs of our action included', async () => {
    const actionlint = await provideActionlint(new AbortController().signal);
    const files = (await readdir(join(root, '.github/workflows'))).map((name) => join(root, '.github/workflows', name));
    const { stdout, exitCode } = await execa(actionlint, ['-no-color', ...files], { reject: false });
    expect(stdout).toBe('');
    expect(exitCode).toBe(0);
    const broken = join(folder, 'broken.yml');
    await writeFile(
      broken,
      'on: push\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo ${{ matrix.mesh }}\n',
    );
    expect((await execa(actionlint, ['-no-color', broken], { reject: false })).exitCode).toBe(1);
  });
});

describe('the composite action', () => {
  const tools = { MESHPROOF_HOME: root, NODE_FOLDER: dirname(process.execPath) };
  const inputs = { ...tools, COMMAND: 'doctor', MESH: '', BASE: '', KUBERNETES: '', ONLY: '', SHARD: '', CONFIG: '' };

  test('hands every input to its steps', async () => {
    const text = await readFile(actionFile, 'utf8');
    const { inputs: known } = actionSchema.parse(parse(text));
    for (const name of Object.keys(known)) expect(text).toContain(`inputs.${name}`);
  });

  describe('finds a Node', () => {
    /** A folder with a node and an npm: the real one, or one that is too old. */
    async function nodeIn(place: string, real: boolean): Promise<string> {
      const bin = join(folder, place);
      await mkdir(bin, { recursive: true });
      if (real) await symlink(process.execPath, join(bin, 'node'));
      else await writeFile(join(bin, 'node'), '#!/bin/sh\nexit 1\n');
      if (!real) await chmod(join(bin, 'node'), 0o755);
      await writeFile(join(bin, 'npm'), '');
      return bin;
    }
    const system = '/usr/bin:/bin';

    test('that the job has, or else the newest of the runner’s tool cache; for the job nothing changes', async () => {
      const step = await actionStep('Find Node');
      const old = await nodeIn('old', false);
      const good = await nodeIn('good', true);
      await nodeIn('tools/node/18.20.0/x64/bin', false);
      const newest = await nodeIn('tools/node/22.9.0/x64/bin', true);
      await nodeIn('tools/node/9.9.9/x64/bin', true);
      const run = (path: string, cache: string): ReturnType<typeof runStep> =>
        runStep(step, { PATH: [path, system].join(delimiter), TOOL_CACHE: join(folder, cache) });
      expect(await run(good, 'tools')).toMatchObject({ code: 0, outputs: `folder=${good}\n` });
      expect(await run(old, 'tools')).toMatchObject({ code: 0, outputs: `folder=${newest}\n` });
      expect(await run(old, 'nothing')).toMatchObject({
        code: 1,
        all: expect.stringContaining('actions/setup-node'),
      });
      expect(await readdir(folder)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(path|env)$/)]));
    });
  });

  test('installs what runs, from the lock file, without install scripts', async () => {
    const home = join(folder, 'home');
    await mkdir(home);
    for (const name of ['package.json', 'package-lock.json', '.npmrc']) await cp(join(root, name), join(home, name));
    const step = await actionStep('Install meshproof');
    expect(step).toContain('--ignore-scripts');
    const { code, all } = await runStep(step, { ...tools, MESHPROOF_HOME: home });
    expect({ code, all }).toMatchObject({ code: 0 });
    expect(await readdir(join(home, 'node_modules'))).toEqual(expect.arrayContaining(['vitest', 'tsx', '@kubernetes']));
  }, 300_000);

  test('plans: names its caches by what they hold, the folder of the reports, and an artefact of its own', async () => {
    const step = await actionStep('Plan');
    const config = join(folder, 'elsewhere.yaml');
    await writeFile(config, 'reports: build/proof\n');
    const job = { ...inputs, ARTIFACT: 'proof', GITHUB_JOB: 'mesh', MATRIX_PLACE: '2', GITHUB_RUN_ATTEMPT: '3' };
    const plan = async (env: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> => {
      const { code, outputs } = await runStep(step, { ...job, ...env });
      expect(code).toBe(0);
      return Object.fromEntries(
        outputs
          .trim()
          .split('\n')
          .map((line) => line.split(/=(.*)/s) as [string, string]),
      );
    };
    const first = await plan({ CONFIG: config });
    expect(first).toMatchObject({ reports: join(folder, 'build/proof'), artifact: 'proof-mesh-2-3' });
    expect(first['store']).toMatch(/^[0-9a-f]{32}$/);
    const second = await plan({ MESH: 'istio@v0.0.0-20260423205519-b01690e6db7d' });
    expect(second).toMatchObject({ reports: join(folder, 'reports'), artifact: 'proof-mesh-2-3-2' });
    expect(second['store']).not.toBe(first['store']);
    expect((await plan({ COMMAND: 'gate', BASE: 'istio@1.30.0' }))['image']).toBe('');
    // What is wrong with the question is for the next step to tell.
    expect(await plan({ CONFIG: 'nowhere.yaml' })).toMatchObject({ image: '', reports: 'reports' });
  });

  test('keeps the node image of one mesh on the job’s own Docker', async () => {
    const plan = async (lines: readonly object[]): Promise<string> => {
      const file = join(folder, 'lines.json');
      await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      const { stdout } = await execa(process.execPath, [join(root, '.github/actions/meshproof/plan.mjs'), file]);
      return /^image=(.*)$/m.exec(stdout)?.[1] ?? 'none';
    };
    const of = (engine: string, image: string): object => ({
      engine,
      reports: '/r',
      components: [
        { name: 'kind', version: '1' },
        { name: 'node-image', version: '2', image },
      ],
    });
    expect(await plan([of('user', 'meshproof/node:a')])).toBe('meshproof/node:a');
    expect(await plan([of('lab', 'meshproof/node:a')])).toBe('');
    expect(await plan([of('user', 'meshproof/node:a'), of('user', 'meshproof/node:b')])).toBe('');
  });

  test('runs a command and tells its verdict', async () => {
    const { code, outputs, all } = await runStep(await actionStep('Prove'), { ...inputs, PLACE: folder });
    expect(all).toContain('"components"');
    expect(outputs).toMatch(/^verdict=(passed|error)\nclaims=\n$/);
    expect([0, 3]).toContain(code);
  });

  test('hands on the mesh, Kubernetes, scenarios and config, and keeps the exit code', async () => {
    const step = await actionStep('Prove');
    const prove = (env: Readonly<Record<string, string>>): ReturnType<typeof runStep> =>
      runStep(step, { ...inputs, COMMAND: 'run', PLACE: folder, ...env });
    expect(await prove({ MESH: 'istio@nonsense' })).toMatchObject({
      code: 2,
      outputs: 'verdict=error\nclaims=\n',
      all: expect.stringContaining('istio@nonsense'),
    });
    expect(await prove({ SHARD: '4/3' })).toMatchObject({ code: 2, all: expect.stringContaining('--shard') });
    expect(await prove({ ONLY: 'nothing' })).toMatchObject({ code: 2, all: expect.stringContaining('MP101') });
    expect(await prove({ KUBERNETES: '1.34' })).toMatchObject({ code: 2, all: expect.stringContaining('MP102') });
    expect(await prove({ CONFIG: 'nowhere.yaml' })).toMatchObject({
      code: 2,
      all: expect.stringContaining('nowhere.yaml'),
    });
    expect(await prove({ COMMAND: 'gate', MESH: 'path:nowhere', BASE: 'istio@1.30.0' })).toMatchObject({
      code: 2,
      all: expect.stringContaining('MP305'),
    });
  });

  test.each([
    [
      'a run',
      { run: '1', verdict: 'failed', claims: { passed: 66, failed: 3, notSupported: 1, error: 0 } },
      'failed',
      '66 of 69',
    ],
    [
      'a comparison',
      { regressions: [], verdict: 'passed', claims: { passed: 69, failed: 0, error: 0 } },
      'passed',
      '69 of 69',
    ],
    [
      'a run that ended before its first claim',
      { verdict: 'error', claims: { passed: 0, failed: 0, error: 0 } },
      'error',
      '',
    ],
  ])('reads the verdict of %s', async (_name, printed, verdict, claims) => {
    const file = join(folder, 'printed.json');
    await writeFile(file, `progress\n${JSON.stringify(printed)}\n`);
    const { stdout } = await execa(process.execPath, [join(root, '.github/actions/meshproof/outputs.mjs'), file, '1']);
    expect(stdout).toBe(`verdict=${verdict}\nclaims=${claims}`);
  });

  test('saves a node image that was baked, and nothing where none was', async () => {
    const docker = join(folder, 'docker');
    await mkdir(docker, { recursive: true });
    await writeFile(
      join(docker, 'docker'),
      '#!/bin/sh\necho "$*"\n[ "$1 $2 $3" != "image inspect meshproof/node:gone" ]\n',
    );
    await chmod(join(docker, 'docker'), 0o755);
    const step = await actionStep('Save the node image');
    const save = (image: string): ReturnType<typeof runStep> =>
      runStep(step, { IMAGE: image, PATH: `${docker}${delimiter}${process.env['PATH'] ?? ''}` });
    expect(await save('meshproof/node:a')).toMatchObject({
      code: 0,
      outputs: 'saved=true\n',
      all: expect.stringContaining(`save --output ${folder}/meshproof-node-image.tar meshproof/node:a`),
    });
    expect(await save('meshproof/node:gone')).toMatchObject({ code: 0, outputs: '' });
  });
});

describe('workflows and the action', () => {
  const badge =
    'node harness/cli/bin.js badge --label "${MESH#istio@} on $KUBERNETES" \\\n' +
    '  --out "badge-${MESH#istio@}-$KUBERNETES.svg"\n';

  async function workflows(): Promise<
    { readonly text: string; readonly steps: readonly z.infer<typeof stepSchema>[] }[]
  > {
    const files = await readdir(join(root, '.github/workflows'));
    return await Promise.all(
      files.map(async (name) => {
        const text = await readFile(join(root, '.github/workflows', name), 'utf8');
        return { text, steps: Object.values(workflowSchema.parse(parse(text)).jobs).flatMap(({ steps }) => steps) };
      }),
    );
  }

  test('run nothing but what is tested here or is the job itself', async () => {
    const scripts = (await workflows()).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
    expect([...new Set(scripts)].sort()).toEqual([
      'bash .ci/run',
      'echo "matrix=$(npx tsx scripts/matrix.ts "$MESH")" >> "$GITHUB_OUTPUT"',
      badge,
      'node harness/cli/bin.js doctor --json --toolchain release --mesh "$MESH" --kubernetes "$KUBERNETES"',
      'node harness/cli/bin.js report --json --merge shards/*/2*',
      'npm ci --no-audit --no-fund',
      'npm run conformance:own -- --json',
    ]);
  });

  test('take every action by its commit, which cannot be moved as a tag can, and hand no credentials on', async () => {
    const all = await workflows();
    for (const text of [...all.map((one) => one.text), await readFile(actionFile, 'utf8')]) {
      const uses = [...text.matchAll(/uses: (.*)$/gm)].map(([, what = '']) => what);
      expect(uses.length).toBeGreaterThan(0);
      for (const what of uses) expect(what).toMatch(/^(\.\/\S+|[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/);
    }
    const checkouts = all.flatMap(({ steps }) => steps.filter(({ uses = '' }) => uses.startsWith('actions/checkout@')));
    expect(checkouts.length).toBeGreaterThan(2);
    for (const step of checkouts) expect(step.with?.['persist-credentials']).toBe(false);
  });

  test('read the versions of the matrix from the list of what is published', async () => {
    const matrix = async (mesh: string): Promise<{ include: { mesh: string; kubernetes: string }[] }> => {
      const { stdout } = await execa(process.execPath, ['--import', 'tsx', join(root, 'scripts/matrix.ts'), mesh], {
        cwd: root,
      });
      return JSON.parse(stdout) as { include: { mesh: string; kubernetes: string }[] };
    };
    const { include } = await matrix('');
    expect([...new Set(include.map(({ mesh }) => mesh))]).toEqual(
      publishedVersions.istio.map((version) => `istio@${version}`),
    );
    for (const { kubernetes } of include) expect(publishedVersions.kubernetes).toContain(kubernetes);
    expect(include).toContainEqual({ mesh: `istio@${pinnedRelease.istio}`, kubernetes: pinnedRelease.kubernetes });
    const one = await matrix('istio@1.99.0');
    expect(one.include.map(({ mesh }) => mesh)).toEqual(publishedVersions.kubernetes.map(() => 'istio@1.99.0'));
  });

  test('draw a badge of the latest run', async () => {
    const reports = join(folder, 'reports', '20260101-000000-1');
    await mkdir(reports, { recursive: true });
    await cp(join(root, 'fixtures/runs/three-scenarios.json'), join(reports, 'run.json'));
    const script = badge.replace('node harness', `node ${root}harness`);
    expect(await runStep(script, { MESH: 'istio@1.30.0', KUBERNETES: 'v1.34.4' })).toMatchObject({ code: 0 });
    expect(await readFile(join(folder, 'badge-1.30.0-v1.34.4.svg'), 'utf8')).toContain('1.30.0 on v1.34.4');
  });
});
