import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { lookForDocker, type DockerLook } from './docker-daemon.ts';
import { daemonSays, writeDockerProgram, type DockerAnswers } from './stand-in/docker-program.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH'] ?? ''}`);
  vi.stubEnv('DOCKER_HOST', undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const look = async (answers: DockerAnswers, within?: number): Promise<DockerLook> => {
  await writeDockerProgram(folder, answers);
  return await lookForDocker('docker', within);
};

test('a healthy daemon tells what a run depends on', async () => {
  expect(await look({ info: { HttpsProxy: 'http://proxy:3128', DockerRootDir: '/srv/docker' } })).toEqual({
    state: 'ready',
    daemon: {
      host: 'unix:///var/run/docker.sock',
      version: '28.5.2',
      operatingSystem: 'Ubuntu 24.04 LTS',
      machine: expect.any(String),
      dataRoot: '/srv/docker',
      cgroupVersion: '2',
      rootless: false,
      limits: { memory: true, cpu: true, pids: true },
      httpsProxy: 'http://proxy:3128',
      mirrors: [],
      insecure: ['127.0.0.0/8'],
    },
  });
});

test('the docker context says where the daemon is', async () => {
  const host = 'unix:///home/me/.colima/default/docker.sock';
  expect(await look({ host })).toMatchObject({ state: 'ready', daemon: { host } });
});

test('rootless Docker says so', async () => {
  const rootless = { SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless'], PidsLimit: false };
  expect(await look({ info: rootless })).toMatchObject({
    state: 'ready',
    daemon: { rootless: true, limits: { pids: false } },
  });
});

describe('a Docker that cannot be used is told apart', () => {
  test('no program', async () => {
    vi.stubEnv('PATH', folder);
    expect(await lookForDocker()).toEqual({ state: 'absent' });
  });

  test.each([
    'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: ' +
      'Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.50/version": dial unix /var/run/docker.sock: connect: ' +
      'permission denied',
    'Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock',
    'permission denied while trying to connect to the docker API at unix:///var/run/docker.sock',
  ])('%s', async (words) => {
    expect(await look(daemonSays(`echo '${words}' >&2; exit 1`))).toEqual({ state: 'forbidden', words });
  });

  test.each([
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    'failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if ' +
      'the daemon is running',
    'error during connect: Get "http://localhost:2375/v1.50/version": dial tcp 127.0.0.1:2375: connect: ' +
      'connection refused',
  ])('stopped: %s', async (words) => {
    expect(await look(daemonSays(`echo '${words}' >&2; exit 1`))).toEqual({ state: 'stopped', words });
  });

  test('stopped, as docker 20.10 says it: in the answer, with exit code 0', async () => {
    const info = { ServerVersion: '', ServerErrors: ['Cannot connect to the Docker daemon'] };
    expect(await look({ info })).toEqual({ state: 'stopped', words: 'Cannot connect to the Docker daemon' });
  });

  test('a daemon that refuses the program is not one that is stopped', async () => {
    const words = 'Error response from daemon: client version 1.50 is too new. Maximum supported API version is 1.41';
    expect(await look(daemonSays(`echo '${words}' >&2; exit 1`))).toEqual({ state: 'refusing', words });
  });

  test('a daemon that says nothing, also when a child of docker keeps the pipe open', async () => {
    const started = performance.now();
    expect(await look(daemonSays('sleep 60'), 1_500)).toMatchObject({ state: 'silent', within: 1_500 });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('a docker program that says nothing at all', async () => {
    expect(await look({ commands: { '--version': 'sleep 60' } }, 1_000)).toMatchObject({ state: 'silent' });
  });

  test.each([
    ['podman’s program', { commands: { '--version': 'echo podman version 4.9.4' } }, 'podman version 4.9.4'],
    ['another program', { commands: { '--version': 'echo nerdctl version 2.0.0' } }, 'nerdctl version 2.0.0'],
    [
      'podman’s script, whose version says nothing of it',
      daemonSays(
        'echo "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg." >&2; echo "{}"',
      ),
      'Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg.',
    ],
    [
      'podman’s daemon behind the real program',
      { commands: { 'version --format {{json': `echo '{"Server":{"Components":[{"Name":"Podman Engine"}]}}'` } },
      expect.stringContaining('Podman Engine'),
    ],
    [
      'Windows containers',
      { info: { OSType: 'windows', OperatingSystem: 'Windows Server 2025' } },
      'Windows Server 2025, which runs windows containers',
    ],
  ])('%s', async (_what, answers, words: unknown) => {
    expect(await look(answers)).toEqual({ state: 'foreign', words });
  });

  test.each(['ssh://me@far', 'tcp://10.1.2.3:2376', 'tcp://docker:2375', 'ssh://localhost'])(
    'remote: %s',
    async (host) => {
      expect(await look({ host })).toEqual({ state: 'remote', host });
    },
  );

  test.each(['tcp://127.0.0.1:2375', 'tcp://localhost:2375', 'tcp://[::1]:2375'])('not remote: %s', async (host) => {
    expect(await look({ host })).toMatchObject({ state: 'ready', daemon: { host } });
  });

  test('a program that cannot be started', async () => {
    vi.stubEnv('PATH', folder);
    await writeFile(join(folder, 'docker'), '#!/no/such/interpreter\n', { mode: 0o755 });
    expect(await lookForDocker()).toMatchObject({ state: 'stopped', words: expect.stringContaining('ENOENT') });
  });
});
