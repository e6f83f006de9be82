import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** What a docker program in a test answers; a command that is not mentioned answers as a healthy Docker does. */
export interface DockerAnswers {
  /** First words of a command → lines of shell. */
  readonly commands?: Readonly<Record<string, string>>;
  /** Fields of `docker info`. */
  readonly info?: Readonly<Record<string, unknown>>;
  readonly host?: string;
}

/**
 * Writes a program named docker that answers as told. It is a shell script: what is tested is what meshproof makes of
 * real output.
 */
export async function writeDockerProgram(folder: string, answers: DockerAnswers = {}): Promise<void> {
  const { commands = {}, info = {}, host = 'unix:///var/run/docker.sock' } = answers;
  const version = { Client: { Version: '28.5.2' }, Server: { Components: [{ Name: 'Engine', Version: '28.5.2' }] } };
  const facts = {
    ServerVersion: '28.5.2',
    OperatingSystem: 'Ubuntu 24.04 LTS',
    OSType: 'linux',
    Name: hostname(),
    DockerRootDir: '/',
    CgroupVersion: '2',
    SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'],
    MemoryLimit: true,
    CPUShares: true,
    PidsLimit: true,
    HttpsProxy: '',
    RegistryConfig: { Mirrors: [], InsecureRegistryCIDRs: ['127.0.0.0/8'], IndexConfigs: {} },
    ...info,
  };
  const healthy: Readonly<Record<string, string>> = {
    '--version': "echo 'Docker version 28.5.2, build ecc6942'",
    'context inspect': `echo '${host}'`,
    'version --format {{json': `echo '${JSON.stringify(version)}'`,
    'version --format': 'echo 28.5.2',
    info: `echo '${JSON.stringify(facts)}'`,
    'image inspect': "echo 'Error: No such image' >&2; exit 1",
    'manifest inspect': "echo 'unauthorized' >&2; exit 1",
  };
  // The most particular pattern first.
  const cases = Object.entries({ ...healthy, ...commands })
    .sort(([left], [right]) => right.length - left.length)
    .map(([words, lines]) => `"${words}"*) ${lines} ;;`);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'docker');
  await writeFile(
    file,
    ['#!/bin/sh', 'case "$*" in', ...cases, '*) echo "what is $*?" >&2; exit 1 ;;', 'esac', ''].join('\n'),
  );
  await chmod(file, 0o755);
}

/** The same answer, or the same silence, to everything that asks the daemon; the program itself says its version. */
export const daemonSays = (lines: string): Pick<DockerAnswers, 'commands'> => ({
  commands: Object.fromEntries(
    ['version', 'version --format', 'version --format {{json', 'info'].map((words) => [words, lines]),
  ),
});
