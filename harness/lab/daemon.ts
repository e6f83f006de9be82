import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startOf } from '../process/process-identity.ts';
import type { ArtifactCache } from '../toolchain/cache.ts';
import { locate, type Toolchain } from '../toolchain/toolchain.ts';
import { lackingCapabilities } from './capabilities.ts';
import { execRoot, labAddress, labNamespacePath, labSocket, pidFile, runtimeFolder } from './lab-place.ts';

/** Where the private daemon keeps images and containers. */
export const labDataRoot = (cache: ArtifactCache): string => join(cache.root, 'docker');
export const daemonLog = (cache: ArtifactCache): string => join(cache.root, 'logs', 'dockerd.log');

/** A live dockerd of the lab. */
export interface Daemon {
  readonly pid: number;
  /** When it started, as the kernel counts. */
  readonly started: string;
  readonly dataRoot: string;
  /** The docker program that came with it. */
  readonly docker: string;
}

/**
 * The live daemon of this lab, if any: the process that the pid file names, when its own command line names that very
 * file. A pid that was given to another dockerd in the meantime is none of ours.
 */
export async function findDaemon(): Promise<Daemon | undefined> {
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).trim());
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const started = await startOf(pid);
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const known = daemonIn(command.split('\0'), pidFile);
  return started === undefined || known === undefined ? undefined : { pid, started, ...known };
}

/**
 * What the command line of a dockerd says that was started with this pid file; undefined for that of any other process.
 */
export function daemonIn(
  command: readonly string[],
  ownPidFile: string,
): Pick<Daemon, 'dataRoot' | 'docker'> | undefined {
  const program = command.find((word) => /(^|\/)dockerd$/.test(word));
  const option = (name: string): string | undefined =>
    command.includes(name) ? command[command.indexOf(name) + 1] : undefined;
  const dataRoot = option('--data-root');
  if (program === undefined || dataRoot === undefined || option('--pidfile') !== ownPidFile) return undefined;
  return { dataRoot, docker: join(dirname(program), '..', 'bin', 'docker') };
}

/** True while that very daemon lives. */
export const daemonLives = async ({ pid, started }: Daemon): Promise<boolean> => (await startOf(pid)) === started;

/**
 * Starts the private daemon in the lab's network namespace, and returns at once. Containers that outlived the last one
 * are taken over.
 */
export async function startDaemon(toolchain: Toolchain, cache: ArtifactCache): Promise<void> {
  const root = join(dirname(locate(toolchain, 'dockerd')), '..', '..');
  const libraries = join(root, 'usr', 'lib', process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu');
  await mkdir(runtimeFolder, { recursive: true, mode: 0o700 });
  await mkdir(execRoot, { recursive: true });
  await mkdir(labDataRoot(cache), { recursive: true });
  await mkdir(dirname(daemonLog(cache)), { recursive: true });
  // Their pids may be somebody else's by now, and a daemon takes any live process for the one that it looks for.
  await rm(pidFile, { force: true });
  await rm(join(execRoot, 'containerd', 'containerd.pid'), { force: true });
  const lacking = await lackingCapabilities();
  const runtime =
    lacking.length === 0
      ? []
      : ['--add-runtime', `without=${locate(toolchain, 'runc-without')}`, '--default-runtime', 'without'];
  const log = openSync(daemonLog(cache), 'a');
  // Not through execa: the daemon must write to its log and live on after this process, which needs a plain file
  // descriptor.
  const child = spawn(
    'nsenter',
    [
      `--net=${labNamespacePath}`,
      locate(toolchain, 'dockerd'),
      ...['--host', labSocket, '--pidfile', pidFile],
      ...['--data-root', labDataRoot(cache), '--exec-root', execRoot],
      ...['--bip', `${labAddress}/24`, '--storage-driver', 'overlay2', '--exec-opt', 'native.cgroupdriver=cgroupfs'],
      ...['--containerd-namespace', 'meshproof', '--containerd-plugins-namespace', 'meshproof-plugins'],
      // A daemon that dies under several users is replaced without taking the clusters of the others with it.
      '--live-restore',
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

/** The end of the daemon's log, for a message. */
export async function daemonLogEnd(cache: ArtifactCache): Promise<string> {
  const text = await readFile(daemonLog(cache), 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-5).join('\n');
}
