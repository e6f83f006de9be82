import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asMeshproofError, MeshproofError } from '../errors/meshproof-error.ts';
import { holdLock } from '../process/process-lock.ts';
import type { ArtifactCache } from '../toolchain/cache.ts';
import { Docker } from '../toolchain/docker.ts';
import { locate, type Toolchain } from '../toolchain/toolchain.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { daemonLog, daemonLogEnd, findDaemon, labDataRoot, startDaemon, type Daemon } from './daemon.ts';
import { labLockFile, labNameIsPlain, labNamespace, labSocket, runtimeFolder } from './lab-place.ts';
import { LabUsers, type LabUser } from './lab-users.ts';
import { ensureNamespace, namespaceExists, removeNamespace } from './network-namespace.ts';
import { stopDaemon, unmountAtOrBelow } from './stop-daemon.ts';

export { labDataRoot } from './daemon.ts';
export { labSocket } from './lab-place.ts';
export type { LabUser } from './lab-users.ts';

/** A live daemon that is slow is waited for so long before it counts as broken; in milliseconds. */
const patience = 120_000;
/** Whoever starts or stops the daemon is waited for at most so long, in milliseconds. */
const turn = 240_000;

const users = new LabUsers(join(runtimeFolder, 'users.json'));

/** True when this machine lets meshproof run its private daemon. */
export const labIsPossible = (): boolean => process.platform === 'linux' && process.getuid?.() === 0;

interface LabOptions {
  /** The Docker network of the clusters, which is made if it is not there. */
  readonly network?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is called with what the user should know: that a daemon had died, say. */
  readonly note?: (text: string) => void;
}

/**
 * Finds the private Docker daemon, or starts it in the lab's network namespace, and counts this process among its
 * users. One lab serves the whole machine; who starts, stops or replaces its daemon holds the machine's one lock. A
 * live daemon is never replaced because it is slow: only one that is dead, or one that nobody else uses and that did
 * not answer for two minutes.
 *
 * @throws MeshproofError MP401 with the end of the daemon's log; MP402 when the namespace cannot be made; MP403 when
 *   the daemon does not answer and others use it; MP404 when others use it with another cache; MP204 when another
 *   meshproof does not let go of the lock.
 */
export async function ensureLab(
  toolchain: Toolchain,
  cache: ArtifactCache,
  user: LabUser,
  { network, signal, note = () => undefined }: LabOptions = {},
): Promise<Docker> {
  if (!labNameIsPlain)
    throw new MeshproofError('MP402', {
      what: 'MESHPROOF_LAB is no name for a lab',
      expected: 'a lower-case letter, then letters, digits and dashes, 31 at most',
      seen: labNamespace,
    });
  const docker = new Docker(locate(toolchain, 'docker'), labSocket);
  return await locked(async () => {
    const others = await users.others(user);
    const daemon = await findDaemon();
    if (daemon !== undefined && (await isUsable(daemon, docker, cache, others, { signal, note }))) {
      await users.join(user);
      await ensureNetwork(docker, network);
      return docker;
    }
    if (others.length === 0) await stopDaemon(labDataRoot(cache));
    else
      note(`the private Docker daemon had died under ${others.join(' and ')}: it is started again, containers live on`);
    await users.join(user);
    await ensureNamespace();
    await startDaemon(toolchain, cache);
    await untilAnswers(docker, cache, signal);
    if (others.length === 0) await removeLeftovers(docker);
    await ensureNetwork(docker, network);
    return docker;
  }, signal);
}

/** Made here, where a provider would ask for an IPv6 network, which the lab's kernel may not offer. */
async function ensureNetwork(docker: Docker, network: string | undefined): Promise<void> {
  if (network === undefined) return;
  const networks = await docker.run(['network', 'ls', '--format', '{{.Name}}'], { code: 'MP401' });
  if (!networks.stdout.split('\n').includes(network))
    await docker.run(['network', 'create', '--driver', 'bridge', network], { code: 'MP401' });
}

/**
 * Counts this process among the users of a daemon that already exists: the half of a run that lives inside of the
 * lab.
 */
export async function joinLab(user: LabUser): Promise<void> {
  await locked(() => users.join(user));
}

/** Whether a daemon that is there will do; false means that it may be replaced. */
async function isUsable(
  daemon: Daemon,
  docker: Docker,
  cache: ArtifactCache,
  others: readonly string[],
  { signal, note = () => undefined }: LabOptions,
): Promise<boolean> {
  const where = `process ${daemon.pid}, ${labSocket}`;
  const usedBy = others.join(', ');
  if (daemon.dataRoot !== labDataRoot(cache)) {
    if (others.length === 0) return false;
    throw new MeshproofError('MP404', {
      what: 'the private Docker daemon runs on another cache, and is in use',
      where,
      expected: labDataRoot(cache),
      seen: `${daemon.dataRoot}, used by ${usedBy}`,
    });
  }
  if (await docker.answers()) return true;
  note(`the private Docker daemon (process ${daemon.pid}) is slow: waiting up to ${patience / 1000} s for its answer`);
  const answered = await waitFor({
    name: 'the private Docker daemon answers',
    within: patience,
    signal,
    code: 'MP403',
    look: async () => {
      if ((await findDaemon())?.pid !== daemon.pid) return holds(false);
      return (await docker.answers()) ? holds(true) : notYet('it runs but does not answer');
    },
  }).catch((error: unknown) => {
    if (!(error instanceof MeshproofError && error.code === 'MP403')) throw error;
    if (others.length === 0) return false;
    throw new MeshproofError('MP403', {
      what: `the private Docker daemon has not answered for ${patience / 1000} s, and is in use`,
      where,
      seen: `used by ${usedBy}`,
      evidence: daemonLog(cache),
    });
  });
  if (!answered) note('MP403 the private Docker daemon did not answer; nobody else uses it, so it is replaced');
  return answered;
}

async function untilAnswers(docker: Docker, cache: ArtifactCache, signal: AbortSignal | undefined): Promise<void> {
  await waitFor({
    name: 'the private Docker daemon answers',
    within: 60_000,
    every: 100,
    code: 'MP401',
    evidence: daemonLog(cache),
    signal,
    look: async () => {
      if (await docker.answers()) return holds(undefined);
      if ((await findDaemon()) !== undefined) return notYet('it runs but does not answer');
      return notYet(`it is not running; its log ends: ${await daemonLogEnd(cache)}`);
    },
  });
}

/**
 * Containers and volumes of a daemon that died are of no use: their processes and networks went with it. Nobody else
 * uses the lab at this point.
 */
async function removeLeftovers(docker: Docker): Promise<void> {
  await users.forgetTheRest();
  await removeContainers(docker);
  await docker.run(['volume', 'prune', '--force'], {
    code: 'MP401',
    purpose: 'remove the volumes that a dead daemon left',
  });
}

async function removeContainers(docker: Docker): Promise<void> {
  const { stdout } = await docker.run(['ps', '--all', '--quiet'], { code: 'MP401' });
  const left = stdout.split('\n').filter((id) => id !== '');
  if (left.length > 0)
    await docker.run(['rm', '--force', '--volumes', ...left], {
      code: 'MP401',
      purpose: 'remove the containers that are left in the lab',
    });
}

/** What the private daemon is doing, in a word or two. */
export async function labStatus(): Promise<'not running' | 'running'> {
  return (await findDaemon()) === undefined ? 'not running' : 'running';
}

/**
 * What is wrong with the lab's daemon at the end of what needed it: whatever was seen meanwhile was seen on clusters
 * without one.
 *
 * @returns MP405 for one that is gone, MP403 for one that does not answer within a minute; undefined for a sound one
 */
export async function labTrouble(docker: Docker): Promise<MeshproofError | undefined> {
  const where = labSocket;
  if ((await findDaemon()) === undefined)
    return new MeshproofError('MP405', { what: 'the private Docker daemon is gone', where });
  return await waitFor({
    name: 'the private Docker daemon answers',
    where,
    within: 60_000,
    code: 'MP403',
    look: async () => ((await docker.answers()) ? holds(undefined) : notYet('it runs but does not answer')),
  }).catch(asMeshproofError);
}

/** True when the lab's daemon runs and still has what this environment made: it was not started anew since. */
export async function labHolds(user: LabUser): Promise<boolean> {
  return (await findDaemon()) !== undefined && (await users.has(user));
}

/** True while the lab's list has this environment: this process, another one, or what a killed one left. */
export const labKnows = (user: LabUser): Promise<boolean> => users.has(user);

/**
 * Whether the lab's daemon can be asked to remove what an environment has there. One that is dead cannot, and one that
 * does not respond cannot either: if nobody else uses it, its containers end with it when this user leaves.
 *
 * @throws MeshproofError MP403 when it lives, does not answer within a minute, and others use it.
 */
export async function canBeAsked(docker: Docker, user: LabUser): Promise<boolean> {
  const daemon = await findDaemon();
  if (daemon === undefined) return false;
  return await waitFor({
    name: 'the private Docker daemon answers',
    within: 60_000,
    code: 'MP403',
    look: async () => {
      if (await docker.answers()) return holds(true);
      return (await findDaemon())?.pid === daemon.pid ? notYet('it runs but does not answer') : holds(false);
    },
  }).catch(async (error: unknown) => {
    const others = await users.others(user);
    if (others.length === 0) return false;
    throw new MeshproofError('MP403', {
      what: 'the private Docker daemon does not answer, so nothing can be removed from it',
      where: `process ${daemon.pid}, ${labSocket}`,
      seen: `used by ${others.join(', ')}`,
      cause: error,
    });
  });
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

/** How a process leaves the lab. */
export interface Leaving {
  /** The environment stays there, until `down`. */
  readonly keep: boolean;
  /** Removes the daemon's images and data as well. */
  readonly wholly?: boolean;
}

/** What became of the lab when one of its users left. */
export interface Left {
  /** What was removed, as lines for the user. */
  readonly removed: readonly string[];
  /** Who uses it still; the daemon runs on for them. */
  readonly usedBy: readonly string[];
}

/**
 * Takes this process (and, unless it is kept, its environment) off the list of users. The last one to leave stops the
 * daemon with everything it runs and removes its network namespace.
 *
 * @throws MeshproofError MP404 when all of it shall go and others use it; MP401 when the daemon cannot be stopped.
 */
export async function leaveLab(cache: ArtifactCache, user: LabUser, leaving: Leaving): Promise<Left> {
  return await locked(async () => {
    if ((await users.has(user)) || leaving.keep) await users.leave(user, leaving);
    const usedBy = [...(await users.others(user)), ...(leaving.keep ? [`kept environment ${user.name}`] : [])];
    if (usedBy.length > 0) {
      if (leaving.wholly !== true) return { removed: [], usedBy };
      throw new MeshproofError('MP404', {
        what: 'the private Docker daemon’s data cannot be removed while it is in use',
        where: labDataRoot(cache),
        seen: `used by ${usedBy.join(', ')}`,
      });
    }
    const daemon = await findDaemon();
    if (daemon !== undefined) {
      const docker = new Docker(daemon.docker, labSocket);
      // Containers go in good order before the daemon does. One that does not answer is killed, and its containers with
      // it.
      if (await docker.answers()) await removeContainers(docker);
    }
    const removed = (await stopDaemon(labDataRoot(cache))) ? ['private Docker daemon'] : [];
    if (await namespaceExists()) {
      await removeNamespace();
      removed.push(`network namespace ${labNamespace}`);
    }
    if (leaving.wholly === true) {
      await unmountAtOrBelow(labDataRoot(cache));
      await rm(labDataRoot(cache), { recursive: true, force: true });
    }
    return { removed, usedBy: [] };
  });
}

async function locked<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const release = await holdLock(labLockFile, { what: 'the private Docker daemon', within: turn, signal });
  try {
    return await work();
  } finally {
    await release();
  }
}
