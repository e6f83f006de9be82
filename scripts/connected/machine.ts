import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { appendFile, chmod, copyFile, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa, type Options } from 'execa';
import { lackingCapabilities } from '../../harness/lab/capabilities.ts';
import { labNamespace } from '../../harness/lab/network-namespace.ts';
import { runProgram } from '../../harness/process/run-program.ts';
import type { ArtifactCache } from '../../harness/toolchain/cache.ts';
import { sourceRecipes } from '../../harness/toolchain/manifest.ts';
import { locate, type Toolchain } from '../../harness/toolchain/toolchain.ts';
import { provide } from '../../harness/toolchain/make-artifact.ts';
import { holds, notYet, waitFor } from '../../harness/wait/wait-for.ts';
import type { EngineChoice } from './engines.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
/**
 * Both ends of the machine's only link (RFC 5737): the lab stands for the world outside, in which nobody but the
 * publishers answers.
 */
const [outside, inside] = ['198.51.100.1', '198.51.100.2'];
/** They hold mmdebstrap, which makes root filesystems. */
const labTools = sourceRecipes.filter(({ id }) => id === 'lab-tools');
const cgroup = 'meshproof-connected';
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface MachineOptions {
  readonly engine: EngineChoice;
  /** Of the source edition: the lab's tools and the runtime that this host may need. */
  readonly toolchain: Toolchain;
  readonly cache: ArtifactCache;
  /** Names that lead to the publishers, and the authority that vouches for them there. */
  readonly hosts: readonly string[];
  readonly authority: string;
  readonly signal: AbortSignal;
}

/**
 * A machine with Docker and a network, as most people have it: a root filesystem of its own with the Docker that its
 * Debian packages, in namespaces of its own, with one link to the outside. Everything in it descends from one process
 * and ends with it, mounts and network included.
 */
export class ConnectedMachine {
  readonly #holder: ChildProcess;
  readonly #pid: number;
  readonly #place: string;

  private constructor(holder: ChildProcess, pid: number, place: string) {
    this.#holder = holder;
    this.#pid = pid;
    this.#place = place;
  }

  /** Unpacks the root filesystem, starts the machine and its Docker daemon. */
  static async start(options: MachineOptions): Promise<ConnectedMachine> {
    const { engine, cache, signal } = options;
    const { folder } = await provide(engine.machine, cache, signal, labTools);
    const place = join(cache.root, 'connected', engine.version);
    const root = join(place, 'root');
    await rm(place, { recursive: true, force: true });
    await mkdir(root, { recursive: true });
    await call('tar', ['-xf', join(folder, 'rootfs.tar'), '-C', root], signal);
    await furnish(root, options);
    if (engine.daemon !== undefined) {
      const { folder: built } = await provide(engine.daemon, cache, signal);
      // Before /usr/sbin and /usr/bin on the PATH.
      for (const [name, file] of Object.entries(engine.daemon.provides)) {
        await copyFile(join(built, file), join(root, 'usr', 'local', 'sbin', name));
        await chmod(join(root, 'usr', 'local', 'sbin', name), 0o755);
      }
    }
    // Whatever becomes of this process, the machine ends with it.
    const holder = spawn(
      'setpriv',
      [
        ...['--pdeathsig', 'KILL', 'unshare'],
        ...['--mount', '--pid', '--net', '--uts', '--ipc', '--fork', '--kill-child', '--propagation', 'private'],
        ...['sh', '-euc', mounts, 'sh', root, process.execPath, repository],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const pid = await waitFor({
      name: 'the machine is up',
      within: 20_000,
      code: 'MP402',
      signal,
      look: async () => {
        const children = await readFile(`/proc/${holder.pid ?? 0}/task/${holder.pid ?? 0}/children`, 'utf8').catch(
          () => '',
        );
        const [child = ''] = children.trim().split(' ');
        const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
        return command.includes('infinity')
          ? holds(Number(child))
          : notYet(`its first process is ${command || 'gone'}`);
      },
    });
    const machine = new ConnectedMachine(holder, pid, place);
    await machine.#connect(signal);
    await machine.#startDocker(signal);
    return machine;
  }

  /** Runs a program in the machine. */
  async run(args: readonly string[], options: Options = {}): Promise<{ exitCode: number; stdout: string }> {
    const [program = '', ...rest] = this.#enter(args);
    const { exitCode, stdout } = await execa(program, rest, {
      stdin: 'ignore',
      stderr: 'inherit',
      extendEnv: false,
      reject: false,
      env: this.#environment(),
      ...options,
    });
    return { exitCode: exitCode ?? 3, stdout: typeof stdout === 'string' ? stdout : '' };
  }

  /** Ends everything in the machine and removes what it was made of. */
  async stop(): Promise<void> {
    // Its first process dies with the one that holds it, and everything in the machine with that.
    this.#holder.kill('SIGKILL');
    await waitFor({
      name: 'the machine is down',
      within: 30_000,
      code: 'MP402',
      look: async () => {
        const state = await readFile(`/proc/${this.#pid}/stat`, 'utf8').catch(() => '');
        return state === '' || / [ZX] /.test(state) ? holds(undefined) : notYet(`process ${this.#pid} is there`);
      },
    });
    await rm(this.#place, { recursive: true, force: true });
    await removeCgroups();
  }

  /** One link to the outside, over which all else is unreachable. */
  async #connect(signal: AbortSignal): Promise<void> {
    const ends = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', String(this.#pid)];
    await call('ip', ['-n', labNamespace, 'link', 'add', 'outside', ...ends], signal);
    await call('ip', ['-n', labNamespace, 'addr', 'add', `${outside}/30`, 'dev', 'outside'], signal);
    await call('ip', ['-n', labNamespace, 'link', 'set', 'outside', 'up'], signal);
    const ip = (...args: string[]): Promise<unknown> =>
      call('nsenter', ['--target', String(this.#pid), '--net', 'ip', ...args], signal);
    await ip('link', 'set', 'lo', 'up');
    await ip('addr', 'add', `${inside}/30`, 'dev', 'eth0');
    await ip('link', 'set', 'eth0', 'up');
    await ip('route', 'add', 'default', 'via', outside);
  }

  async #startDocker(signal: AbortSignal): Promise<void> {
    const log = openSync(join(this.#place, 'dockerd.log'), 'a');
    const [program = '', ...args] = this.#enter(['dockerd']);
    const env = { ...this.#environment(), MESHPROOF_LACKING_CAPABILITIES: (await lackingCapabilities()).join(',') };
    spawn(program, args, { stdio: ['ignore', log, log], env }).unref();
    closeSync(log);
    await waitFor({
      name: 'the machine’s Docker daemon answers',
      within: 60_000,
      code: 'MP401',
      evidence: join(this.#place, 'dockerd.log'),
      signal,
      look: async () => {
        const { exitCode } = await this.run(['docker', 'version'], { stderr: 'ignore', stdout: 'ignore' });
        return exitCode === 0 ? holds(undefined) : notYet('no answer');
      },
    });
  }

  #enter(args: readonly string[]): string[] {
    const spaces = ['--mount', '--pid', '--net', '--uts', '--ipc', '--root'];
    return ['nsenter', '--target', String(this.#pid), ...spaces, `--wdns=${repository}`, ...args];
  }

  #environment(): Record<string, string> {
    const kept = ['CI', 'NO_COLOR', 'TERM'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    // What somebody sets whose company signs for its own copies of the publishers.
    const authority = { NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt' };
    return { ...Object.fromEntries(kept), ...authority, PATH: path, HOME: '/root' };
  }
}

/**
 * $1 is the root filesystem, $2 the node program, $3 the repository: as read from outside, and at the same place
 * inside. The root is changed for the whole mount namespace, not for one process as chroot does: `docker exec` enters a
 * container by its mount namespace, whose root is the container's only when the daemon's own root was a namespace's
 * root.
 */
const mounts = `
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /sys "$1/sys"
mount --rbind /dev "$1/dev"
mount -t tmpfs tmpfs "$1/run"
mount --bind "$2" "$1/usr/local/bin/node"
mount --rbind "$3" "$1$3"
cd "$1"
pivot_root . mnt
umount --lazy /mnt
exec /usr/local/bin/tini -s -- sleep infinity
`;

/** What an administrator would set up: the names, the authority, the daemon. */
async function furnish(root: string, { engine, toolchain, hosts, authority }: MachineOptions): Promise<void> {
  const tini = join(dirname(locate(toolchain, 'docker')), 'tini-static');
  const bin = join(root, 'usr', 'local', 'bin');
  await copyFile(tini, join(bin, 'tini'));
  await copyFile(locate(toolchain, 'runc-without'), join(bin, 'runc-without'));
  for (const program of ['tini', 'runc-without']) await chmod(join(bin, program), 0o755);
  await writeFile(join(bin, 'node'), '');
  await mkdir(join(root, repository), { recursive: true });
  await writeFile(join(root, 'etc', 'hostname'), 'connected\n');
  await writeFile(join(root, 'etc', 'hosts'), `127.0.0.1 localhost connected\n${outside} ${hosts.join(' ')}\n`);
  // Nobody serves names there, and says so at once.
  await rm(join(root, 'etc', 'resolv.conf'), { force: true });
  await writeFile(join(root, 'etc', 'resolv.conf'), `nameserver ${outside}\n`);
  await appendFile(join(root, 'etc', 'ssl', 'certs', 'ca-certificates.crt'), authority);
  const lacking = await lackingCapabilities();
  await mkdir(join(root, 'etc', 'docker'), { recursive: true });
  await writeFile(
    join(root, 'etc', 'docker', 'daemon.json'),
    JSON.stringify({
      'exec-opts': ['native.cgroupdriver=cgroupfs'],
      'cgroup-parent': `/${cgroup}`,
      ...(engine.imageStore === 'containerd' ? { features: { 'containerd-snapshotter': true } } : {}),
      ...(lacking.length === 0
        ? {}
        : { runtimes: { without: { path: '/usr/local/bin/runc-without' } }, 'default-runtime': 'without' }),
    }),
  );
}

/** The kernel keeps the cgroups of processes that were killed; empty ones can go, deepest first. */
async function removeCgroups(): Promise<void> {
  const top = '/sys/fs/cgroup';
  const unified = await readFile(join(top, 'cgroup.controllers'), 'utf8').catch(() => undefined);
  const hierarchies = unified === undefined ? (await readdir(top)).map((name) => join(top, name)) : [top];
  for (const hierarchy of hierarchies) {
    const folder = join(hierarchy, cgroup);
    const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const groups = found.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
    if (found.length > 0) groups.push(folder);
    for (const group of groups.sort((left, right) => right.length - left.length)) await rmdir(group);
  }
}

const call = (program: string, args: readonly string[], signal: AbortSignal): ReturnType<typeof runProgram> =>
  runProgram({ program, args, purpose: 'make a connected machine', code: 'MP402', signal });
