import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseAllDocuments, parse } from 'yaml';
import { z } from 'zod';
import { packageRoot } from '../assets/package-files.ts';
import { configSchema, parseConfig } from './config.ts';

const example = join(packageRoot, 'examples', 'kubernetes-job');
const objectsOf = async (file: string): Promise<unknown[]> =>
  parseAllDocuments(await readFile(file, 'utf8')).map((document) => document.toJS() as unknown);

const container = z.object({
  name: z.string(),
  args: z.tuple([z.string()]),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
});
const jobSchema = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({
    backoffLimit: z.literal(0),
    template: z.object({
      spec: z.object({
        restartPolicy: z.literal('Never'),
        serviceAccountName: z.string(),
        initContainers: z.tuple([container]),
        containers: z.tuple([container]),
        volumes: z.array(z.looseObject({ name: z.string() })),
      }),
    }),
  }),
});
const [configMap, jobObject] = await objectsOf(join(example, 'job.yaml'));
const config = z
  .object({ metadata: z.object({ name: z.string() }), data: z.object({ 'meshproof.yaml': z.string() }) })
  .parse(configMap);
const job = jobSchema.parse(jobObject);
const pod = job.spec.template.spec;
const [run] = pod.initContainers;
const [reports] = pod.containers;

test('the rights of the Job are the least that a run needs', async () => {
  const rights = await objectsOf(join(example, 'rbac.yaml'));
  expect(rights).toEqual(await objectsOf(join(packageRoot, 'docs', 'existing-rbac.yaml')));
  const { name, namespace } = { name: pod.serviceAccountName, namespace: job.metadata.namespace };
  expect(rights).toContainEqual(expect.objectContaining({ kind: 'ServiceAccount', metadata: { name, namespace } }));
});

describe('the config of the Job', () => {
  const text = config.data['meshproof.yaml'];
  const parsed = parseConfig(text, 'job.yaml');

  test('has only keys that there are, and leads to contexts of the kubeconfig', async () => {
    expect(Object.keys(configSchema.shape)).toEqual(expect.arrayContaining(Object.keys(parse(text) as object)));
    expect(parsed.provider).toBe('existing');
    const { contexts } = z
      .object({ contexts: z.array(z.object({ name: z.string() })) })
      .parse((await objectsOf(join(example, 'kubeconfig.yaml')))[0]);
    const known = contexts.map(({ name }) => name);
    expect(known).toEqual(expect.arrayContaining(Object.values(parsed.contexts ?? {})));
  });

  test('has its files where the pod has them', () => {
    expect(run.args[0]).toContain(`> ${parsed.kubeconfig ?? ''}\n`);
    const places = run.volumeMounts.map(({ mountPath }) => `${mountPath}/`);
    for (const file of [parsed.kubeconfig ?? '', parsed.reports])
      expect(places.some((place) => file.startsWith(place))).toBe(true);
    const volumes = pod.volumes.map(({ name }) => name).sort();
    const mounted = [...run.volumeMounts, ...reports.volumeMounts].map(({ name }) => name);
    expect([...new Set(mounted)].sort()).toEqual(volumes);
    expect(pod.volumes).toContainEqual({ name: 'config', configMap: { name: config.metadata.name } });
  });
});

test('the commands of the documentation name files and objects that there are', async () => {
  const page = await readFile(join(packageRoot, 'docs', 'clusters-of-your-own.md'), 'utf8');
  const [, commands = ''] = /## From a Kubernetes Job[^]*?```sh\n([^]*?)```/.exec(page) ?? [];
  const files = [...commands.matchAll(/examples\/kubernetes-job\/([\w.]+)/g)].map(([, file = '']) => file);
  expect(new Set(files)).toEqual(new Set(['rbac.yaml', 'kubeconfig.yaml', 'job.yaml']));
  for (const file of files) expect((await stat(join(example, file))).isFile()).toBe(true);
  const containers = [...commands.matchAll(/--container (\S+)/g)].map(([, name]) => name);
  expect(new Set(containers)).toEqual(new Set([run.name, reports.name]));
  expect(commands).toContain(`job/${job.metadata.name}`);
  const [, secret] = /create secret generic (\S+)/.exec(commands) ?? [];
  expect(pod.volumes).toContainEqual(
    expect.objectContaining({ secret: expect.objectContaining({ secretName: secret }) }),
  );
  const template = await readFile(join(example, 'kubeconfig.yaml'), 'utf8');
  for (const [, word = ''] of commands.matchAll(/s\|(WEST_\w+)\|/g)) expect(template).toContain(word);
});

describe('the scripts of the Job', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
    for (const name of ['bin', 'work', 'kubeconfig', 'account']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'kubeconfig', 'kubeconfig'), await readFile(join(example, 'kubeconfig.yaml')));
    await writeFile(join(folder, 'account', 'token'), 'secret-of-the-pod');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  /** A program in the place of meshproof, in shell: what `run` does, and how large the archive is in bytes. */
  async function meshproof(whatRunDoes: string, archive = 9): Promise<void> {
    const file = join(folder, 'bin', 'meshproof');
    const report = `head -c ${archive} /dev/zero | tr '\\0' x > "$5"`;
    await writeFile(file, `#!/bin/sh\ncase "$3" in\nrun) ${whatRunDoes};;\nreport) ${report};;\nesac\n`);
    await chmod(file, 0o755);
  }
  /** A script as the pod runs it, with its folders here. */
  const play = (script: string) =>
    execa(
      'sh',
      [
        '-euc',
        script
          .replaceAll('/var/run/secrets/kubernetes.io/serviceaccount', join(folder, 'account'))
          .replaceAll(/(?<=^|[ "])\/(work|kubeconfig|config)\b/gm, `${folder}/$1`),
      ],
      { env: { PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` }, reject: false },
    );

  test.each([0, 1, 3])('end with the exit code of the run, %d, and give its archive', async (code) => {
    await meshproof(`exit ${code}`);
    expect((await play(run.args[0])).exitCode).toBe(0);
    const ended = await play(reports.args[0]);
    expect(ended.exitCode).toBe(code);
    expect(Buffer.from(ended.stdout, 'base64').toString()).toBe('xxxxxxxxx');
    expect(await readFile(join(folder, 'work', 'kubeconfig'), 'utf8')).toContain('token: secret-of-the-pod');
  });

  test('leave the evidence out of an archive that no log holds', async () => {
    await meshproof('exit 0', 7_000_001);
    await mkdir(join(folder, 'work', 'reports', 'one', 'evidence'), { recursive: true });
    await writeFile(join(folder, 'work', 'reports', 'one', 'run.json'), '{}');
    await writeFile(join(folder, 'work', 'reports', 'one', 'evidence', 'dump.json'), '{}');
    await play(run.args[0]);
    const { stdout } = await play(reports.args[0]);
    await writeFile(join(folder, 'run.tar.gz'), Buffer.from(stdout, 'base64'));
    const { stdout: listed } = await execa('tar', ['-tzf', join(folder, 'run.tar.gz')]);
    expect(listed).toContain('reports/one/run.json');
    expect(listed).not.toContain('evidence');
  });

  test('hand a stop on to the run, and wait until it has cleaned up', async () => {
    const begun = join(folder, 'begun');
    const traps = `trap 'sleep 0.3; touch ${folder}/cleaned; exit 3' TERM`;
    await meshproof(`${traps}; touch ${begun}; while :; do sleep 0.1; done`);
    const playing = play(run.args[0]);
    await expect
      .poll(
        () =>
          stat(begun).then(
            () => true,
            () => false,
          ),
        { timeout: 10_000 },
      )
      .toBe(true);
    playing.kill('SIGTERM');
    await playing;
    expect((await stat(join(folder, 'cleaned'))).isFile()).toBe(true);
    expect((await play(reports.args[0])).exitCode).toBe(3);
  });
});
