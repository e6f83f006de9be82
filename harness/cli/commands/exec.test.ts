import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { environmentSchema } from '../../scenario/environment.ts';

// Each test starts processes of the whole command line.
vi.setConfig({ testTimeout: 120_000 });

const bin = fileURLToPath(new URL('../bin.js', import.meta.url));
let folder: string;
let state: string;

/** A kubeconfig with a context, and one of somebody else's that is the current one. */
const kubeconfig = (context: string): string =>
  stringify({
    'current-context': 'production',
    contexts: ['production', context].map((name) => ({ name, context: { cluster: name, user: name } })),
    clusters: ['production', context].map((name) => ({ name, cluster: { server: `https://${name}` } })),
    users: ['production', context].map((name) => ({ name, user: { token: `token-of-${name}` } })),
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-exec-'));
  state = join(folder, 'state', 'meshproof');
  await mkdir(state, { recursive: true });
  const kubectl = join(folder, 'kubectl-of-the-environment');
  await writeFile(kubectl, '#!/bin/sh\necho "$0 $*"\necho "$KUBECONFIG"\n');
  await chmod(kubectl, 0o755);
  await writeFile(join(folder, 'west.yaml'), kubeconfig('ctx-a'));
  await writeFile(join(folder, 'east.yaml'), kubeconfig('ctx-b'));
  await mkdir(join(folder, 'home', '.kube'), { recursive: true });
  await writeFile(join(folder, 'home', '.kube', 'config'), 'mine');
  const environment = environmentSchema.parse({
    name: 'meshproof',
    provider: 'existing',
    status: 'ready',
    createdAt: '2026-01-01T00:00:00Z',
    programs: { kubectl, istioctl: join(folder, 'left-the-cache'), kind: kubectl, docker: 'docker' },
    versions: { kubernetes: 'v1', istio: '1', edition: 'source' },
    images: { httpbin: '', httpbinPort: 8080, curl: '' },
    clusterNames: ['west', 'east'],
    clusters: [
      { name: 'west', kubeconfig: join(folder, 'west.yaml'), context: 'ctx-a', foreign: true },
      { name: 'east', kubeconfig: join(folder, 'east.yaml'), context: 'ctx-b', foreign: true },
    ],
  });
  await writeFile(join(state, 'environment.json'), JSON.stringify(environment));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const variables = (): Record<string, string> => ({
  MESHPROOF_STATE: join(folder, 'state'),
  HOME: join(folder, 'home'),
  KUBECONFIG: '',
});

async function exec(...call: readonly string[]): Promise<{ code: number | undefined; stdout: string; stderr: string }> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [bin, 'exec', '--', ...call], {
    cwd: folder,
    reject: false,
    env: variables(),
  });
  return { code: exitCode, stdout, stderr };
}

describe('a program of the environment', () => {
  test('runs with the contexts of the clusters, by name and from a shell', async () => {
    const kubectl = join(state, 'bin', 'kubectl');
    const file = join(state, 'kubeconfig.yaml');
    expect(await exec('kubectl', '--context', 'west', 'get', 'pods', '-A')).toMatchObject({
      code: 0,
      stdout: `${kubectl} --context west get pods -A\n${file}`,
    });
    expect((await exec('sh', '-c', 'kubectl version; kind version')).stdout).toContain(`${kubectl} version`);
    expect(await readlink(kubectl)).toBe(join(folder, 'kubectl-of-the-environment'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(file, 'utf8');
    expect(text).toContain('token-of-ctx-b');
    expect(text).not.toContain('production');
    expect(await readFile(join(folder, 'home', '.kube', 'config'), 'utf8')).toBe('mine');
  });

  test('in a shell of a shell is the same, and the kubeconfig of before is remembered once', async () => {
    const again = `"${process.execPath}" "${bin}" exec -- sh -c 'echo "$MESHPROOF_OUTER_KUBECONFIG"; kubectl x'`;
    const { code, stdout } = await execa(process.execPath, [bin, 'exec', '--', 'sh', '-c', again], {
      cwd: folder,
      env: { ...variables(), KUBECONFIG: '/before' },
    }).then(({ exitCode: code, stdout }) => ({ code, stdout }));
    expect({ code, lines: stdout.split('\n') }).toEqual({
      code: 0,
      lines: ['/before', `${join(state, 'bin', 'kubectl')} x`, join(state, 'kubeconfig.yaml')],
    });
  });

  test('that left the cache, or that nobody has, is not found: told with its code', async () => {
    const answers = await Promise.all(
      ['no-such-program', './no/such/path', folder].map((name) => exec(name, '--flag')),
    );
    for (const answer of answers)
      expect(answer).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/^MP107 no such program: .* was not found/),
      });
    await expect(readlink(join(state, 'bin', 'istioctl'))).rejects.toThrow('ENOENT');
  });
});

describe('how it ends', () => {
  test('is handed on: an exit code, or 128 and the signal', async () => {
    const ends = ['exit 37', 'kill -TERM $$', 'kill -KILL $$'].map((script) => exec('sh', '-c', script));
    expect((await Promise.all(ends)).map(({ code }) => code)).toEqual([37, 143, 137]);
  });

  const counting =
    "trap 'echo interrupted' INT; trap 'echo asked; " + "exit 9' TERM; echo ready; while :; do sleep 0.1; done";

  /** Starts a program that counts its signals, in a process group of its own, and tells once it is ready. */
  async function start(): Promise<{
    pid: number;
    saw: (text: string) => Promise<string>;
    ended: Promise<number | null>;
  }> {
    const child = spawn(process.execPath, [bin, 'exec', '--', 'sh', '-c', counting], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...variables() },
    });
    let text = '';
    const changed = new Set<() => void>();
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      for (const tell of changed) tell();
    });
    const saw = (wanted: string): Promise<string> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (text.includes(wanted)) resolve(text);
        };
        changed.add(look);
        look();
      });
    const ended = once(child, 'close').then(([code]) => code as number | null);
    await saw('ready');
    return { pid: child.pid ?? 0, saw, ended };
  }

  test.each([
    ['the process', (pid: number) => pid],
    ['its whole group, as Ctrl-C is', (pid: number) => -pid],
  ])('a signal to %s reaches the program once, and its own end counts', async (_name, target) => {
    const { pid, saw, ended } = await start();
    process.kill(target(pid), 'SIGINT');
    await saw('interrupted');
    process.kill(target(pid), 'SIGTERM');
    expect(await saw('asked')).toBe('ready\ninterrupted\nasked\n');
    expect(await ended).toBe(9);
  });
});
