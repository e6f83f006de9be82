import { readdir, readFile, readlink, stat, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { catalogue } from '../errors/catalogue.ts';
import type { DockerDaemon } from '../toolchain/docker-daemon.ts';
import type { RecipeState } from '../toolchain/toolchain.ts';
import type { Selection } from '../toolchain/selection.ts';
import type { Engine } from '../environment/engine.ts';
import type { Problem } from './problem.ts';

/** Images, and what two clusters write while they run. */
const runtimeBytes = 6_000_000_000;
/**
 * What a node's processes use of root's inotify instances and watches: measured with two meshed clusters, 27 and 350
 * each.
 */
const instancesOfNode = 32;
const watchesOfNode = 1_024;
/** What a machine's own services use, where it cannot be counted. */
const instancesOfOthers = 32;
/** kind's own advice: https://kind.sigs.k8s.io/docs/user/known-issues/ */
const advisedInstances = 512;

/** What a cluster with its mesh and the samples of all scenarios takes, as measured (docs/performance.md). */
const memoryOfCluster = 900_000_000;
/** The harness, with the processes of its scenarios, and a daemon. */
const memoryOfHarness = 1_000_000_000;

export interface MachineQuestion {
  /** Undefined where there is no usable engine. */
  readonly engine: Engine | undefined;
  readonly selection: Selection;
  readonly states: readonly RecipeState[];
  readonly nodeImageIsThere: boolean;
  readonly cacheRoot: string;
  /** Clusters that are still to be made. */
  readonly clusters: number;
  /** Where the kernel shows the limits of inotify. */
  readonly inotifyFolder?: string;
  /** Where the kernel shows the memory of the machine. */
  readonly memoryFile?: string;
  /** How the room of a folder is looked up, where not by asking the kernel. */
  readonly roomOf?: (folder: string) => Promise<Room>;
}

/** What a file system has left. */
export interface Room {
  /** Bytes that this user may still write. */
  readonly free: number;
  /** The kernel's number of the device: equal for two folders that share their room. */
  readonly device: number;
}

export interface MachineReport {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** What could not be looked at, and why. */
  readonly skipped: readonly string[];
  readonly disk: { readonly free: number; readonly needed: number };
}

/** Looks whether the machine has what a run needs: room, inotify, control groups. Nothing is changed. */
export async function examineMachine(question: MachineQuestion): Promise<MachineReport> {
  const { engine, selection } = question;
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const skipped: string[] = [];
  if (process.platform !== 'linux' && selection.edition === 'source')
    problems.push({
      code: 'MP208',
      message: `components cannot be compiled on ${process.platform}: the clusters’ nodes run Linux`,
      remedy: 'Use `--toolchain release`.',
    });

  const daemon = engine?.kind === 'user' ? engine.daemon : undefined;
  const { disk, problems: full } = await examineDisk(question, daemon, skipped);
  problems.push(...full);

  const away = daemon === undefined ? undefined : await placeOf(daemon);
  if (away !== undefined) skipped.push(`memory and inotify limits: Docker is ${away}`);
  else {
    await examineInotify(question, problems, warnings);
    warnings.push(...(await memoryWarnings(question)));
  }

  if (daemon !== undefined) problems.push(...controlGroupProblems(daemon, selection.kubernetes));
  return { problems, warnings, skipped, disk };
}

/** Where the daemon is when it is not on this machine, as the message says it. */
export async function placeOf({ operatingSystem, machine, dataRoot }: DockerDaemon): Promise<string | undefined> {
  if (operatingSystem === 'Docker Desktop') return 'in Docker Desktop’s virtual machine';
  if (machine !== hostname()) return `on another machine or in a virtual one (${machine})`;
  const there = await stat(dataRoot).then(
    () => true,
    (error: unknown) => error instanceof Error && 'code' in error && error.code === 'EACCES',
  );
  return there ? undefined : `not on this machine’s file system (${dataRoot})`;
}

async function examineDisk(
  { states, nodeImageIsThere, cacheRoot, roomOf = askRoom }: MachineQuestion,
  daemon: DockerDaemon | undefined,
  skipped: string[],
): Promise<{ disk: MachineReport['disk']; problems: Problem[] }> {
  const missing = states.filter(({ artifact }) => artifact === undefined);
  // A Go build keeps its compiled packages beside the artifact, several times its size.
  const making = missing.reduce((sum, { recipe }) => sum + recipe.bytes * (recipe.from === 'go' ? 8 : 2), 0);
  const running = missing.length > 0 || !nodeImageIsThere ? runtimeBytes : runtimeBytes / 3;
  const problems: Problem[] = [];
  const cache = await roomOf(cacheRoot);
  let needed = making + running;
  if (daemon !== undefined) {
    // The user's daemon keeps images and containers, in a place of its own.
    const away = await placeOf(daemon);
    const room = away ?? (await roomOf(daemon.dataRoot));
    if (typeof room === 'string') {
      skipped.push(`disk of Docker’s data root: Docker is ${room}`);
      needed = making;
    } else if (room.device !== cache.device) {
      needed = making;
      if (room.free < running)
        problems.push({
          code: 'MP211',
          message:
            `${gigabytes(room.free)} are free under Docker’s data root ${daemon.dataRoot}, ` +
            `${gigabytes(running)} are needed`,
          remedy: catalogue.MP211.remedy,
        });
    } else if (room.free < needed && room.free >= making)
      return {
        disk: { free: cache.free, needed },
        problems: [
          {
            code: 'MP211',
            message:
              `${gigabytes(room.free)} are free under Docker’s data root ${daemon.dataRoot} and the cache ` +
              `${cacheRoot} together, ${gigabytes(needed)} are needed`,
            remedy: catalogue.MP211.remedy,
          },
        ],
      };
  }
  if (cache.free < needed)
    problems.push({
      code: 'MP202',
      message: `${gigabytes(cache.free)} are free under ${cacheRoot}, ${gigabytes(needed)} are needed`,
      remedy: 'Free space, or set MESHPROOF_CACHE.',
    });
  return { disk: { free: cache.free, needed }, problems };
}

/** Free bytes where a folder is, or will be. */
async function askRoom(folder: string): Promise<Room> {
  try {
    const [{ bavail, bsize }, { dev }] = await Promise.all([statfs(folder), stat(folder)]);
    return { free: bavail * bsize, device: dev };
  } catch (error) {
    if (
      error instanceof Error &&
      'code' in error &&
      /^(ENOENT|EACCES|ENOTDIR)$/.test(String(error.code)) &&
      folder !== '/'
    )
      return await askRoom(dirname(folder));
    throw error;
  }
}

/** Nodes run as root of this machine, so its limits of inotify are theirs. */
async function examineInotify(
  { clusters, inotifyFolder = '/proc/sys/fs/inotify' }: MachineQuestion,
  problems: Problem[],
  warnings: Problem[],
): Promise<void> {
  const [instances, watches] = await Promise.all([
    inotifyLimit(inotifyFolder, 'max_user_instances'),
    inotifyLimit(inotifyFolder, 'max_user_watches'),
  ]);
  if (instances === undefined || watches === undefined) return;
  const used = await countInotify();
  const needed = {
    instances: (used ?? instancesOfOthers) + clusters * instancesOfNode,
    watches: clusters * watchesOfNode,
  };
  const message = (name: string, seen: number, wanted: number, of: string): string =>
    `fs.inotify.${name} is ${seen}, ${clusters} clusters need ${wanted}${of}`;
  const { remedy } = catalogue.MP212;
  if (instances < needed.instances) {
    const others = used === undefined ? '' : `, of which ${used} are in use by root’s processes already`;
    problems.push({
      code: 'MP212',
      message: message('max_user_instances', instances, needed.instances, others),
      remedy,
    });
  } else if (instances < advisedInstances)
    warnings.push({
      code: 'MP212',
      message:
        `fs.inotify.max_user_instances is ${instances}: enough for ${clusters} clusters as measured; kind ` +
        `advises ${advisedInstances}`,
      remedy,
    });
  if (watches < needed.watches)
    problems.push({ code: 'MP212', message: message('max_user_watches', watches, needed.watches, ''), remedy });
}

/** What is free can become more while a run begins, and nothing is lost by trying: it is a warning. */
async function memoryWarnings({ clusters, memoryFile = '/proc/meminfo' }: MachineQuestion): Promise<Problem[]> {
  if (clusters === 0) return [];
  // Only Linux has it.
  const text = await readFile(memoryFile, 'utf8').catch(() => '');
  const [, kibibytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(text) ?? [];
  const needed = memoryOfHarness + clusters * memoryOfCluster;
  if (kibibytes === undefined || Number(kibibytes) * 1024 >= needed) return [];
  const free = gigabytes(Number(kibibytes) * 1024);
  return [
    {
      code: 'MP213',
      message: `${free} of memory are free, a run with ${clusters} clusters takes about ${gigabytes(needed)}`,
      remedy: catalogue.MP213.remedy,
    },
  ];
}

/** undefined on a kernel without inotify, which is not Linux. */
async function inotifyLimit(folder: string, name: string): Promise<number | undefined> {
  const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}

/** Inotify instances that root's processes have open; undefined for who may not see them. */
async function countInotify(): Promise<number | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const counts = await Promise.all(
    processes.map(async (pid) => {
      try {
        const folder = join('/proc', pid, 'fd');
        if ((await stat(folder)).uid !== 0) return 0;
        const links = await Promise.all(
          (await readdir(folder)).map((name) => readlink(join(folder, name)).catch(() => '')),
        );
        return links.filter((link) => link.startsWith('anon_inode:inotify')).length;
      } catch {
        // It ended meanwhile.
        return 0;
      }
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function controlGroupProblems({ cgroupVersion, rootless, limits }: DockerDaemon, kubernetes: string): Problem[] {
  const { remedy } = catalogue.MP210;
  const minor = Number(kubernetes.split('.')[1]);
  if (cgroupVersion === '1' && minor >= 35)
    return [
      {
        code: 'MP210',
        message: `Docker uses control groups version 1, and the kubelet of Kubernetes ${kubernetes} refuses those`,
        remedy,
      },
    ];
  if (!rootless) return [];
  const lacking = Object.entries(limits).flatMap(([name, there]) => (there ? [] : [name]));
  if (cgroupVersion !== '1' && lacking.length === 0) return [];
  const why = cgroupVersion === '1' ? 'control groups version 1' : `no limit of ${lacking.join(', ')}`;
  return [{ code: 'MP210', message: `rootless Docker has ${why}, and kind’s nodes need them`, remedy }];
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
