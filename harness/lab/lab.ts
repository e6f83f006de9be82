import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram } from '../process/run-program.ts';
import type { ArtifactCache } from '../toolchain/cache.ts';
import { Docker } from '../toolchain/docker.ts';
import { locate, type Toolchain } from '../toolchain/toolchain.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { lackingCapabilities } from './capabilities.ts';
import { ensureNamespace, labNamespacePath, removeNamespace } from './network-namespace.ts';

/** Sockets and process ids of the lab; gone after a reboot, as the daemon is. */
const runtimeFolder = '/run/meshproof';
const pidFile = join(runtimeFolder, 'docker.pid');
/** The daemon's own address inside of the lab. */
export const labAddress = '172.30.0.1';

export const labSocket = `unix://${join(runtimeFolder, 'docker.sock')}`;

/** Where the private daemon keeps images and containers. */
export const labDataRoot = (cache: ArtifactCache): string => join(cache.root, 'docker');
const daemonLog = (cache: ArtifactCache): string => join(cache.root, 'logs', 'dockerd.log');

/** True when this machine lets meshproof run its private daemon. */
export const labIsPossible = (): boolean => process.platform === 'linux' && process.getuid?.() === 0;

/**
 * Finds the private Docker daemon, or starts it in the lab's network namespace. A daemon that died with the session that started it is
 * noticed (its pid is gone, or its socket does not answer) and started again on the same data.
 *
 * @throws MeshproofError MP401 with the end of the daemon's log; MP402 when the namespace cannot be made.
 */
export async function ensureLab(
  toolchain: Toolchain,
  cache: ArtifactCache,
  signal?: AbortSignal,
): Promise<{ docker: Docker; started: boolean }> {
  const docker = new Docker(locate(toolchain, 'docker'), labSocket);
  if ((await daemonPid()) !== undefined && (await docker.answers())) return { docker, started: false };
  await stopDaemon();
  await ensureNamespace();
  await startDaemon(toolchain, cache);
  await waitFor({
    name: 'the private Docker daemon answers',
    within: 60_000,
    every: 100,
    code: 'MP401',
    evidence: daemonLog(cache),
    signal,
    look: async () => {
      if (await docker.answers()) return holds(undefined);
      if ((await daemonPid()) !== undefined) return notYet('it runs but does not answer');
      return notYet(`it is not running; its log ends: ${await logEnd(daemonLog(cache))}`);
    },
  });
  await removeLeftovers(docker);
  // kind would ask for an IPv6 network, which the lab's kernel may not offer.
  const networks = await docker.run(['network', 'ls', '--format', '{{.Name}}']);
  if (!networks.stdout.split('\n').includes('kind'))
    await docker.run(['network', 'create', '--driver', 'bridge', 'kind'], { code: 'MP401' });
  return { docker, started: true };
}

/** Containers and volumes of a daemon that died are of no use: their processes and networks went with it. All of them are the lab's own. */
async function removeLeftovers(docker: Docker): Promise<void> {
  const left = (await docker.run(['ps', '--all', '--quiet'], { code: 'MP401' })).stdout
    .split('\n')
    .filter((id) => id !== '');
  if (left.length > 0)
    await docker.run(['rm', '--force', '--volumes', ...left], {
      code: 'MP401',
      purpose: 'remove what a dead daemon left',
    });
  await docker.run(['volume', 'prune', '--force'], {
    code: 'MP401',
    purpose: 'remove the volumes that a dead daemon left',
  });
}

/** What the private daemon is doing, in a word or two. */
export async function labStatus(): Promise<'not running' | 'running'> {
  return (await daemonPid()) === undefined ? 'not running' : 'running';
}

/** True when the private daemon's data holds an image of this name, whether the daemon runs or not. */
export async function labHasImage(cache: ArtifactCache, reference: string): Promise<boolean> {
  const index = await readFile(join(labDataRoot(cache), 'image', 'overlay2', 'repositories.json'), 'utf8').catch(
    () => '{}',
  );
  const { Repositories: repositories = {} } = JSON.parse(index) as {
    Repositories?: Record<string, Record<string, string>>;
  };
  return Object.values(repositories).some((references) => Object.hasOwn(references, reference));
}

async function startDaemon(toolchain: Toolchain, cache: ArtifactCache): Promise<void> {
  const root = join(dirname(locate(toolchain, 'dockerd')), '..', '..');
  const libraries = join(root, 'usr', 'lib', process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu');
  await mkdir(join(runtimeFolder, 'exec'), { recursive: true });
  await mkdir(labDataRoot(cache), { recursive: true });
  await mkdir(dirname(daemonLog(cache)), { recursive: true });
  const lacking = await lackingCapabilities();
  const runtime =
    lacking.length === 0
      ? []
      : ['--add-runtime', `without=${locate(toolchain, 'runc-without')}`, '--default-runtime', 'without'];
  const log = openSync(daemonLog(cache), 'a');
  // Not through execa: the daemon must write to its log and live on after this process, which needs a plain file descriptor.
  const child = spawn(
    'nsenter',
    [
      `--net=${labNamespacePath}`,
      locate(toolchain, 'dockerd'),
      ...[
        '--host',
        labSocket,
        '--pidfile',
        pidFile,
        '--data-root',
        labDataRoot(cache),
        '--exec-root',
        join(runtimeFolder, 'exec'),
      ],
      ...['--bip', `${labAddress}/24`, '--storage-driver', 'overlay2', '--exec-opt', 'native.cgroupdriver=cgroupfs'],
      ...['--containerd-namespace', 'meshproof', '--containerd-plugins-namespace', 'meshproof-plugins'],
      ...runtime,
    ],
    {
      detached: true,
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        PATH: `${join(root, 'usr', 'bin')}:${join(root, 'usr', 'sbin')}:${process.env['PATH'] ?? ''}`,
        LD_LIBRARY_PATH: libraries,
        XTABLES_LIBDIR: join(libraries, 'xtables'),
        MESHPROOF_LACKING_CAPABILITIES: lacking.join(','),
      },
    },
  );
  child.unref();
  closeSync(log);
}

/**
 * Stops the private daemon and everything it runs, and removes its network namespace; with `wholly` also its images and data.
 *
 * @returns what was removed, as lines for the user; empty when there was nothing.
 */
export async function stopLab(cache: ArtifactCache, options: { readonly wholly: boolean }): Promise<string[]> {
  const removed = (await stopDaemon()) ? ['private Docker daemon'] : [];
  await removeNamespace();
  if (options.wholly) {
    const data = labDataRoot(cache);
    await unmountBelow(data);
    await rm(data, { recursive: true, force: true });
  }
  return removed;
}

async function stopDaemon(): Promise<boolean> {
  const pid = await daemonPid();
  if (pid !== undefined) {
    process.kill(pid, 'SIGTERM');
    await waitFor({
      name: 'the private Docker daemon has stopped',
      within: 30_000,
      every: 50,
      code: 'MP401',
      look: async () =>
        (await daemonPid()) === undefined ? holds(undefined) : notYet(`process ${pid} is still there`),
    });
  }
  const left = await killLeftovers();
  await unmountBelow(runtimeFolder);
  await rm(runtimeFolder, { recursive: true, force: true });
  return pid !== undefined || left > 0;
}

/**
 * Shims outlive a daemon that was killed, and their containers outlive them. A shim is recognised by the lab's own socket folder in its command
 * line; everything that descends from it is the lab's, and goes with it.
 */
async function killLeftovers(): Promise<number> {
  const { stdout } = await runProgram({
    program: 'ps',
    args: ['-eo', 'pid=,ppid=,args='],
    purpose: 'look for left-over processes',
    code: 'MP401',
  });
  const left = leftoverProcesses(stdout, runtimeFolder);
  for (const pid of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // It ended by itself, with its parent.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
  return left.length;
}

/** The pids, in a listing of `ps -eo pid=,ppid=,args=`, of shims and helpers that live in a folder, and of all their descendants. */
export function leftoverProcesses(listing: string, folder: string): number[] {
  const processes = listing.split('\n').flatMap((line) => {
    const [, pid, parent, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
  const found = new Set(
    processes
      .filter(
        ({ command }) =>
          /^\S*(containerd|containerd-shim\S*|docker-proxy)\s/.test(command) && command.includes(`${folder}/`),
      )
      .map(({ pid }) => pid),
  );
  for (let size = -1; size !== found.size;) {
    size = found.size;
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  for (const mount of mounts.filter((point) => point.startsWith(`${folder}/`)).reverse()) {
    await runProgram({
      program: 'umount',
      args: ['--lazy', mount],
      purpose: 'unmount what a killed daemon left',
      code: 'MP401',
    });
  }
}

/** The pid of a live dockerd of the lab, if any. */
async function daemonPid(): Promise<number | undefined> {
  const text = await readFile(pidFile, 'utf8').catch(() => '');
  const pid = Number(text.trim());
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes('dockerd') ? pid : undefined;
}

async function logEnd(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-5).join('\n');
}
