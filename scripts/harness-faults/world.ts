import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { access, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { ArtifactCache } from '../../harness/toolchain/cache.ts';
import { holds, notYet, waitFor } from '../../harness/wait/wait-for.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const bin = join(root, 'harness', 'cli', 'bin.js');

/** The lab of the faults: beside the one that runs share, so that no run of anybody is disturbed. */
export const lab = 'meshproof-faults';
export const labFolder = `/run/${lab}`;
/**
 * Every process of a world carries this in its environment, so that the ones that are left are found whoever their
 * parent is.
 */
const mark = 'MESHPROOF_FAULT_WORLD';

/** What a command came to. */
export interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/** A command that runs, and what it has said so far. */
export class Running {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #begun = performance.now();
  readonly #closed: Promise<unknown>;
  #said = '';
  #printed = '';

  constructor(child: ChildProcessByStdio<null, Readable, Readable>) {
    this.#child = child;
    this.#closed = once(child, 'exit');
    child.stderr.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    child.stdout.on('data', (chunk: Buffer) => (this.#printed += chunk.toString()));
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the command was not started');
    return this.#child.pid;
  }

  /** Waits until its progress has come to a stage. */
  async reaches(stage: RegExp, within = 400_000): Promise<void> {
    await waitFor({
      name: `the run says ${String(stage)}`,
      within,
      every: 20,
      look: () => {
        if (stage.test(this.#said)) return Promise.resolve(holds(undefined));
        if (this.#child.exitCode !== null) throw new Error(`it ended before that:\n${this.#said.slice(-2_000)}`);
        return Promise.resolve(notYet(this.#said.slice(-200)));
      },
    });
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** Nobody reads its stderr any more. */
  closeStderr(): void {
    this.#child.stderr.destroy();
  }

  async ended(within: number): Promise<Ended> {
    const late = AbortSignal.timeout(within);
    late.addEventListener('abort', () => this.#child.kill('SIGKILL'));
    await this.#closed;
    const seconds = (performance.now() - this.#begun) / 1000;
    if (late.aborted) throw new Error(`no end within ${within / 1000} s:\n${this.#said.slice(-2_000)}`);
    return { exitCode: this.#child.exitCode ?? undefined, stdout: this.#printed, stderr: this.#said, seconds };
  }
}

/** A place of its own for everything that meshproof writes: state, reports, cache, temporary files, and a lab. */
export class World {
  readonly folder: string;
  readonly cache: string;
  /** Names of environments that commands were started for. */
  readonly names = new Set<string>();

  #broken: number | undefined;

  private constructor(folder: string, cache: string) {
    this.folder = folder;
    this.cache = cache;
  }

  /**
   * Its cache shares the artifacts of the real one by hard links, and stays between two calls of the script: the node
   * image is baked once.
   */
  static async make(): Promise<World> {
    const shared = ArtifactCache.default().root;
    const cache = join(shared, 'faults');
    const folder = await mkdtemp(join(tmpdir(), 'meshproof-faults-'));
    await mkdir(cache, { recursive: true });
    await execa('cp', ['--archive', '--link', '--no-clobber', join(shared, 'store'), cache]).catch(() =>
      cp(join(shared, 'store'), join(cache, 'store'), { recursive: true }),
    );
    await mkdir(join(folder, 'tmp'));
    return new World(folder, cache);
  }

  /** Notes that something is broken from now on: the time that a command takes to end counts from here. */
  breaks(): void {
    this.#broken = performance.now();
  }

  /** Seconds since something was broken; undefined when it was so before the command began. */
  get secondsBroken(): number | undefined {
    return this.#broken === undefined ? undefined : (performance.now() - this.#broken) / 1000;
  }

  /** Until a run has its record; what it does next is to see to its programs. */
  async recordBegins(): Promise<void> {
    await waitFor({
      name: 'the record of a run is there',
      within: 60_000,
      every: 10,
      look: async () => {
        const [run = ''] = await list(this.reports);
        return (await exists(join(this.reports, run, 'run.json'))) ? holds(undefined) : notYet('no run.json yet');
      },
    });
  }

  get reports(): string {
    return join(this.folder, 'reports');
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  get environment(): Record<string, string> {
    return {
      [mark]: this.folder,
      MESHPROOF_LAB: lab,
      MESHPROOF_STATE: this.state,
      MESHPROOF_CACHE: this.cache,
      TMPDIR: join(this.folder, 'tmp'),
      CI: 'true',
      // What the TypeScript loader keeps in the temporary folder is its own.
      TSX_DISABLE_CACHE: '1',
    };
  }

  /** Starts a command of meshproof. */
  async start(
    args: readonly string[],
    options: {
      readonly name?: string;
      readonly reports?: string;
      readonly env?: Record<string, string>;
      readonly files?: number;
    } = {},
  ): Promise<Running> {
    const { name = 'faults', reports = this.reports, env = {}, files } = options;
    const config = join(this.folder, `${name}.yaml`);
    this.names.add(name);
    await writeFile(config, `name: ${name}\ntoolchain: source\nreports: ${reports}\n`);
    const call = [process.execPath, bin, '--config', config, ...args];
    const [program = '', ...rest] =
      files === undefined ? call : ['sh', '-c', `ulimit -n ${files}; exec "$@"`, 'sh', ...call];
    return new Running(
      spawn(program, rest, {
        cwd: root,
        env: { ...process.env, ...this.environment, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      }),
    );
  }

  async run(args: readonly string[], within: number, options: Parameters<World['start']>[1] = {}): Promise<Ended> {
    return await (await this.start(args, options)).ended(within);
  }

  /** A small file system of its own at a folder. */
  async mount(name: string, options: string): Promise<string> {
    const at = join(this.folder, name);
    await mkdir(at, { recursive: true });
    await execa('mount', ['-t', 'tmpfs', '-o', options, 'meshproof-fault', at]);
    return at;
  }

  async unmount(at: string): Promise<void> {
    await execa('umount', ['--lazy', at]);
  }

  /**
   * Kills a command and every process that it started, at once and without a word; what its daemon runs is not its own.
   */
  async killTree(pid: number): Promise<void> {
    const { stdout } = await execa('ps', ['-eo', 'pid=,ppid=,args=']);
    const rows = stdout.split('\n').map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line));
    const tree = [pid];
    for (const parent of tree)
      for (const row of rows)
        if (Number(row?.[2]) === parent && !/dockerd|containerd/.test(row?.[3] ?? '')) tree.push(Number(row?.[1]));
    for (const one of tree)
      try {
        process.kill(one, 'SIGKILL');
      } catch {
        // It ended with its parent.
      }
  }

  async daemonPid(): Promise<number> {
    return Number((await readFile(join(labFolder, 'docker.pid'), 'utf8')).trim());
  }

  /** What is left on this machine of this world, in words; nothing, in the end. */
  async leftovers(): Promise<string[]> {
    const left: string[] = [];
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const environ = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      if (!environ.split('\0').includes(`${mark}=${this.folder}`)) continue;
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (command !== '') left.push(`process ${pid}: ${command.replaceAll('\0', ' ').slice(0, 120)}`);
    }
    for (const path of [labFolder, `${labFolder}.lock`, `/run/netns/${lab}`]) if (await exists(path)) left.push(path);
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
    for (const at of mounts)
      if (at.startsWith(`${labFolder}/`) || at.startsWith(`${this.cache}/`)) left.push(`mount ${at}`);
    for (const file of await list(this.state)) left.push(`state ${file}`);
    for (const file of await list(join(this.folder, 'tmp'))) left.push(`temporary file ${file}`);
    return left;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/**
 * The rules of packet filters that this machine has outside of any lab, by the kernel's own list; the order in which
 * they came does not matter.
 */
export async function packetFilters(): Promise<string[]> {
  const saved = await execa('iptables-save', [], { reject: false });
  return (saved.exitCode === 0 ? saved.stdout : '')
    .split('\n')
    .filter((line) => /^(-A|:)/.test(line))
    .map((line) => line.replace(/\[\d+:\d+\]/, ''))
    .sort();
}
