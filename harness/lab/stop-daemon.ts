import { readFile, rm } from 'node:fs/promises';
import { runProgram } from '../process/run-program.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { daemonLives, findDaemon, type Daemon } from './daemon.ts';
import { runtimeFolder } from './lab-place.ts';

/**
 * An orderly end of dockerd, and one by SIGKILL, which leaves no process but may take a moment on a busy machine; in
 * milliseconds.
 */
const [orderly, forced] = [20_000, 20_000];

/**
 * Ends the private daemon with everything it runs, and removes what it left: shims and their containers, mounts, the
 * runtime folder.
 *
 * @param dataRoot where its data lies: a daemon that was killed says it no more, and its mounts are still there
 * @returns whether there was anything
 * @throws MeshproofError MP401 when a process stays even after SIGKILL.
 */
export async function stopDaemon(dataRoot: string): Promise<boolean> {
  const daemon = await findDaemon();
  if (daemon !== undefined) await endDaemon(daemon);
  const left = await killLeftovers();
  await unmountAtOrBelow(runtimeFolder);
  for (const folder of new Set([dataRoot, daemon?.dataRoot ?? dataRoot])) await unmountAtOrBelow(folder);
  await rm(runtimeFolder, { recursive: true, force: true });
  return daemon !== undefined || left > 0;
}

/** A daemon that does not respond, stopped by SIGSTOP say, is killed. */
async function endDaemon(daemon: Daemon): Promise<void> {
  signal(daemon.pid, 'SIGTERM');
  signal(daemon.pid, 'SIGCONT');
  const ended = (within: number): Promise<void> =>
    waitFor({
      name: 'the private Docker daemon has stopped',
      within,
      every: 50,
      code: 'MP401',
      look: async () =>
        (await daemonLives(daemon)) ? notYet(`process ${daemon.pid} is still there`) : holds(undefined),
    });
  await ended(orderly).catch(async () => {
    signal(daemon.pid, 'SIGKILL');
    await ended(forced);
  });
}

/**
 * Shims outlive their daemon, and their containers outlive them. A shim is recognised by the lab's own socket folder in
 * its command line; everything that descends from it is the lab's, and goes with it.
 */
async function killLeftovers(): Promise<number> {
  const list = async (): Promise<number[]> => {
    const { stdout } = await runProgram({
      program: 'ps',
      args: ['-eo', 'pid=,ppid=,args='],
      purpose: 'look for left-over processes',
      code: 'MP401',
      timeout: 30_000,
    });
    return leftoverProcesses(stdout, runtimeFolder);
  };
  const left = await list();
  await waitFor({
    name: 'no process of the lab is left',
    within: forced,
    every: 100,
    code: 'MP401',
    look: async () => {
      const now = await list();
      for (const pid of now) signal(pid, 'SIGKILL');
      return now.length === 0 ? holds(undefined) : notYet(`processes ${now.join(', ')}`);
    },
  });
  return left.length;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended by itself, with its parent.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/**
 * The pids, in a listing of `ps -eo pid=,ppid=,args=`, of shims and helpers that live in a folder, and of all their
 * descendants.
 */
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

/** Unmounts what a daemon mounted on a folder and below it, innermost first. */
export async function unmountAtOrBelow(folder: string): Promise<void> {
  for (const mount of mountsOf(await readFile('/proc/self/mountinfo', 'utf8'), folder).reverse()) {
    await runProgram({
      program: 'umount',
      args: ['--lazy', mount],
      purpose: 'unmount what a killed daemon left',
      code: 'MP401',
      timeout: 30_000,
    });
  }
}

/**
 * The places at or below a folder that a daemon mounts, from the kernel's table. It binds its folder onto itself; a
 * whole file system there is somebody's disk, and stays.
 */
export function mountsOf(table: string, folder: string): string[] {
  return table
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , , root = '', at = '']) => at.startsWith(`${folder}/`) || (at === folder && root !== '/'))
    .map(([, , , , at = '']) => at);
}
