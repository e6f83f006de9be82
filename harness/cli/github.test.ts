import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { describeWith } from '../machine/needs.ts';
import { provideActionlint } from '../toolchain/actionlint.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const actionFile = join(root, '.github/actions/meshproof/action.yml');

const stepSchema = z.looseObject({
  name: z.string().optional(),
  uses: z.string().optional(),
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
    env: { GITHUB_OUTPUT: outputs, MESHPROOF_STATE: join(folder, 'state'), ...env },
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
  const inputs = { COMMAND: 'doctor', MESH: '', BASE: '', KUBERNETES: '', ONLY: '', CONFIG: '', MESHPROOF_HOME: root };

  test('hands every input to its steps', async () => {
    const text = await readFile(actionFile, 'utf8');
    const { inputs: known } = actionSchema.parse(parse(text));
    for (const name of Object.keys(known)) expect(text).toContain(`inputs.${name}`);
  });

  test('installs what runs, from the lock file', async () => {
    const home = join(folder, 'home');
    await mkdir(home);
    for (const name of ['package.json', 'package-lock.json', '.npmrc']) await cp(join(root, name), join(home, name));
    const { code, all } = await runStep(await actionStep('Install meshproof'), { MESHPROOF_HOME: home });
    expect(all).toMatch(/added \d+ packages/);
    expect(code).toBe(0);
    expect(await readdir(join(home, 'node_modules'))).toEqual(expect.arrayContaining(['vitest', 'tsx', '@kubernetes']));
  }, 120_000);

  test('runs a command and tells its verdict', async () => {
    const { code, outputs, all } = await runStep(await actionStep('Prove'), { ...inputs });
    expect(all).toContain('"components"');
    expect(outputs).toMatch(/^verdict=(passed|error)\nclaims=0 of 0\n$/);
    expect([0, 3]).toContain(code);
  });

  test('hands on the mesh, Kubernetes, scenarios and config, and keeps the exit code', async () => {
    const step = await actionStep('Prove');
    expect(await runStep(step, { ...inputs, COMMAND: 'run', MESH: 'istio@nonsense' })).toMatchObject({
      code: 2,
      outputs: 'verdict=error\nclaims=0 of 0\n',
      all: expect.stringContaining('istio@nonsense'),
    });
    expect(await runStep(step, { ...inputs, COMMAND: 'run', ONLY: 'nothing' })).toMatchObject({
      code: 2,
      all: expect.stringContaining('MP101'),
    });
    expect(await runStep(step, { ...inputs, COMMAND: 'run', KUBERNETES: '1.34' })).toMatchObject({
      code: 2,
      all: expect.stringContaining('MP102'),
    });
    expect(await runStep(step, { ...inputs, COMMAND: 'run', CONFIG: 'nowhere.yaml' })).toMatchObject({
      code: 2,
      all: expect.stringContaining('nowhere.yaml'),
    });
    expect(
      await runStep(step, { ...inputs, COMMAND: 'gate', MESH: 'path:nowhere', BASE: 'istio@1.30.0' }),
    ).toMatchObject({ code: 2, all: expect.stringContaining('MP305') });
  });

  test('reads the verdict from what a run prints', async () => {
    await writeFile(
      join(folder, 'run.json'),
      'progress\n{"run":"1","verdict":"failed","claims":{"passed":66,"failed":3,"notSupported":1,"error":0}}\n',
    );
    const { stdout } = await execa(process.execPath, [
      join(root, '.github/actions/meshproof/outputs.mjs'),
      join(folder, 'run.json'),
      '1',
    ]);
    expect(stdout).toBe('verdict=failed\nclaims=66 of 69');
  });
});

describe('the workflows', () => {
  test('run nothing but what is tested here or is the job itself', async () => {
    const files = await readdir(join(root, '.github/workflows'));
    const scripts = await Promise.all(
      files.map(async (name) =>
        Object.values(
          workflowSchema.parse(parse(await readFile(join(root, '.github/workflows', name), 'utf8'))).jobs,
        ).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? [])),
      ),
    );
    expect(scripts.flat().sort()).toEqual([
      'bash .ci/run',
      'node harness/cli/bin.js badge --label "${MESH#istio@} on $KUBERNETES" --out "badge-${MESH#istio@}-$KUBERNETES.svg"',
    ]);
  });

  test('draw a badge of the latest run', async () => {
    const reports = join(folder, 'reports', '20260101-000000-1');
    await mkdir(reports, { recursive: true });
    await cp(join(root, 'fixtures/runs/three-scenarios.json'), join(reports, 'run.json'));
    const script =
      'node harness/cli/bin.js badge --label "${MESH#istio@} on $KUBERNETES" --out "badge-${MESH#istio@}-$KUBERNETES.svg"'.replace(
        'node harness',
        `node ${root}harness`,
      );
    expect(await runStep(script, { MESH: 'istio@1.30.0', KUBERNETES: 'v1.34.4' })).toMatchObject({ code: 0 });
    expect(await readFile(join(folder, 'badge-1.30.0-v1.34.4.svg'), 'utf8')).toContain('1.30.0 on v1.34.4');
  });
});
