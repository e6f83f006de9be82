import { createServer } from 'node:net';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { AddressInfo } from 'node:net';
import { holds, notYet, waitFor } from '../../harness/wait/wait-for.ts';
import { labFolder, type Ended, type Running, type World } from './world.ts';

/** Something that breaks under a run, and what the run must make of it. */
export interface HarnessFault {
  readonly id: string;
  readonly what: string;
  /** Seconds within which the command has to end, from the fault on; without one, from its start. */
  readonly within: number;
  /** Exit code that the command must end with; none for a command that is killed. */
  readonly exitCode: number | undefined;
  /** Codes of which the record, or stderr where there is no record, must name one. */
  readonly codes: readonly string[];
  /** True where the run may come to its verdict all the same: what broke was not needed for it. */
  readonly mayPass?: boolean;
  readonly play: (world: World) => Promise<Ended | undefined>;
}

const stages = {
  clusters: /clusters · west/,
  mesh: /mesh · west control plane/,
  scenarios: /scenarios · /,
  teardown: /teardown · /,
} as const;
const only = ['run', '--only', 'node-port', '--json'] as const;

const daemonIsThere = (): Promise<void> =>
  waitFor({
    name: 'the lab’s daemon is there',
    within: 120_000,
    every: 20,
    look: async () =>
      (await readdir(labFolder).catch((): string[] => [])).includes('docker.pid') ? holds(undefined) : notYet(''),
  });

/** Starts a run, lets it come to a stage, breaks something, and waits for its end. */
const at =
  (stage: keyof typeof stages, within: number, breaks: (run: Running, world: World) => Promise<void> | void) =>
  async (world: World): Promise<Ended> => {
    const run = await world.start(only);
    await run.reaches(stages[stage]);
    world.breaks();
    await breaks(run, world);
    return await run.ended(within * 1000);
  };

const killedAt = (stage: string, reached: (run: Running, world: World) => Promise<void>): HarnessFault => ({
  id: `kill-${stage}`,
  what: `kill -9 of every process of the run, stage ${stage}`,
  within: 10,
  exitCode: undefined,
  codes: ['MP902'],
  play: async (world) => {
    const run = await world.start(only);
    await reached(run, world);
    world.breaks();
    await world.killTree(run.pid);
    await run.ended(10_000);
    return undefined;
  },
});

/** Fills a file system to its last byte. */
async function fill(folder: string): Promise<void> {
  await execa('dd', ['if=/dev/zero', `of=${join(folder, 'full')}`, 'bs=64k'], { reject: false });
  await execa('dd', ['if=/dev/zero', `of=${join(folder, 'full')}`, 'bs=1', 'oflag=append', 'conv=notrunc'], {
    reject: false,
  });
}

/** Runs with reports, or the cache, on a small file system of its own. */
const onSmallDisk =
  (options: string, play: (world: World, disk: string) => Promise<Ended>) =>
  async (world: World): Promise<Ended> => {
    const disk = await world.mount('disk', options);
    try {
      return await play(world, disk);
    } finally {
      await world.unmount(disk);
    }
  };

/** Every process of a program in the lab's containers: those below its shims. */
async function inLab(program: string): Promise<number[]> {
  const { stdout } = await execa('ps', ['-eo', 'pid=,ppid=,args=']);
  const rows = stdout.split('\n').map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line));
  const tree = rows.filter((row) => (row?.[3] ?? '').includes(`${labFolder}/`)).map((row) => row?.[1]);
  for (const parent of tree) for (const row of rows) if (row?.[2] === parent) tree.push(row?.[1]);
  return rows
    .filter((row) => tree.includes(row?.[1]) && (row?.[3] ?? '').startsWith(program))
    .map((row) => Number(row?.[1]));
}

export const faults: readonly HarnessFault[] = [
  {
    id: 'enospc-reports-at-start',
    what: 'the disk of the reports is full before the run begins',
    within: 20,
    exitCode: 3,
    codes: ['MP220'],
    play: onSmallDisk('size=64k', async (world, disk) => {
      await fill(disk);
      return await world.run(only, 60_000, { reports: join(disk, 'reports') });
    }),
  },
  {
    id: 'enospc-reports-in-scenarios',
    what: 'the disk of the reports fills up while scenarios are played',
    within: 240,
    exitCode: 3,
    codes: ['MP220'],
    play: onSmallDisk('size=64m', async (world, disk) => {
      const run = await world.start(only, { reports: join(disk, 'reports') });
      await run.reaches(stages.scenarios);
      world.breaks();
      await fill(disk);
      return await run.ended(240_000);
    }),
  },
  {
    id: 'eacces-reports',
    what: 'the reports may not be written (a read-only file system)',
    within: 20,
    exitCode: 3,
    codes: ['MP221'],
    play: onSmallDisk('ro,size=64k', (world, disk) => world.run(only, 60_000, { reports: join(disk, 'reports') })),
  },
  {
    id: 'enospc-cache',
    what: 'the disk of the cache has no room',
    within: 20,
    exitCode: 3,
    codes: ['MP202', 'MP220'],
    play: onSmallDisk('size=1m', (world, disk) =>
      world.run(only, 60_000, { env: { MESHPROOF_CACHE: join(disk, 'cache') } }),
    ),
  },
  {
    id: 'eacces-cache',
    what: 'the cache may not be written (a read-only file system)',
    within: 20,
    exitCode: 3,
    codes: ['MP221'],
    play: onSmallDisk('ro,size=1m', (world, disk) =>
      world.run(only, 60_000, { env: { MESHPROOF_CACHE: join(disk, 'cache') } }),
    ),
  },
  killedAt('toolchain', (_run, world) => world.recordBegins()),
  killedAt('daemon', daemonIsThere),
  killedAt('images', (run) => run.reaches(/images · |clusters · /)),
  killedAt('clusters', (run) => run.reaches(stages.clusters)),
  killedAt('mesh', (run) => run.reaches(stages.mesh)),
  killedAt('scenarios', (run) => run.reaches(stages.scenarios)),
  killedAt('teardown', (run) => run.reaches(stages.teardown)),
  {
    id: 'killed-child',
    what: 'kill -9 of the process that carries the run out; the one that prepared it takes everything down',
    within: 120,
    exitCode: 3,
    codes: ['MP902'],
    play: at('mesh', 120, async (run) => {
      const { stdout } = await execa('ps', ['-o', 'pid=', '--ppid', String(run.pid)]);
      for (const pid of stdout.trim().split(/\s+/)) {
        const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        if (command.includes('carry-out')) process.kill(Number(pid), 'SIGKILL');
      }
    }),
  },
  {
    id: 'ctrl-c',
    what: 'one Ctrl-C while the mesh comes up',
    within: 120,
    exitCode: 3,
    codes: ['MP901'],
    play: at('mesh', 120, (run) => {
      run.signal('SIGINT');
    }),
  },
  {
    id: 'second-ctrl-c',
    what: 'a second Ctrl-C while the first one takes things down',
    within: 15,
    exitCode: 130,
    codes: ['MP901', 'MP902'],
    play: at('clusters', 15, async (run) => {
      run.signal('SIGINT');
      await run.reaches(/stopping in good order/);
      run.signal('SIGINT');
    }),
  },
  {
    id: 'sighup',
    what: 'the terminal closes: SIGHUP, and nobody reads stderr any more',
    within: 120,
    exitCode: 3,
    codes: ['MP901'],
    play: at('mesh', 120, (run) => {
      run.closeStderr();
      run.signal('SIGHUP');
    }),
  },
  {
    id: 'closed-stderr',
    what: 'nobody reads stderr any more; the run goes on to its verdict',
    within: 300,
    exitCode: 0,
    codes: [],
    mayPass: true,
    play: at('clusters', 300, (run) => {
      run.closeStderr();
    }),
  },
  {
    id: 'api-never-answers',
    what: 'an API server of one’s own clusters that takes connections and never answers',
    within: 60,
    exitCode: 3,
    codes: ['MP504'],
    play: async (world) => {
      const server = createServer(() => undefined).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const kubeconfig = join(world.folder, 'kubeconfig');
      const contexts = ['a', 'b'].map((name) => ({ name, context: { cluster: 'mute', user: 'u' } }));
      const clusters = [{ name: 'mute', cluster: { server: url } }];
      const users = [{ name: 'u', user: {} }];
      await writeFile(kubeconfig, JSON.stringify({ apiVersion: 'v1', kind: 'Config', contexts, clusters, users }));
      const config = join(world.folder, 'existing.yaml');
      await writeFile(
        config,
        `provider: existing\nkubeconfig: ${kubeconfig}\ncontexts: {west: a, east: b}\nreports: ${world.reports}\n`,
      );
      try {
        return await world.run(['--config', config, ...only, '--yes'], 60_000);
      } finally {
        server.close();
      }
    },
  },
  {
    id: 'api-stops-answering',
    what: 'an API server is stopped (SIGSTOP) while scenarios are played',
    within: 400,
    exitCode: 3,
    codes: ['MP504', 'MP702', 'MP716', 'MP999'],
    play: at('scenarios', 400, async () => {
      for (const pid of await inLab('kube-apiserver')) process.kill(pid, 'SIGSTOP');
    }),
  },
  {
    id: 'daemon-stopped',
    what: 'the private Docker daemon is stopped (SIGSTOP) while scenarios are played',
    within: 300,
    exitCode: 3,
    codes: ['MP403', 'MP503'],
    play: at('scenarios', 300, async (_run, world) => {
      process.kill(await world.daemonPid(), 'SIGSTOP');
    }),
  },
  {
    id: 'daemon-slow',
    what: 'the private Docker daemon hears nothing for 6 s (SIGSTOP, SIGCONT) while another command needs it',
    within: 300,
    exitCode: 0,
    codes: [],
    mayPass: true,
    play: async (world) => {
      const first = await world.start(only);
      await first.reaches(stages.mesh);
      const pid = await world.daemonPid();
      process.kill(pid, 'SIGSTOP');
      const waking = new Promise<void>((resolve) =>
        setTimeout(() => {
          process.kill(pid, 'SIGCONT');
          resolve();
        }, 6_000),
      );
      const second = await world.run(['prepare', '--json'], 120_000, { name: 'faults-second' });
      await waking;
      if (second.exitCode !== 0)
        throw new Error(`prepare beside it: exit ${String(second.exitCode)}\n${second.stderr}`);
      if ((await world.daemonPid()) !== pid) throw new Error('the live daemon was replaced');
      return await first.ended(300_000);
    },
  },
  {
    id: 'daemon-dead',
    what: 'the private Docker daemon is killed while scenarios are played',
    within: 240,
    exitCode: 3,
    codes: ['MP405'],
    play: at('scenarios', 240, async (_run, world) => {
      process.kill(await world.daemonPid(), 'SIGKILL');
    }),
  },
  {
    id: 'emfile-at-start',
    what: 'a process that may open 40 files',
    within: 20,
    exitCode: 3,
    codes: [],
    play: (world) => world.run(only, 60_000, { files: 40 }),
  },
  {
    id: 'emfile',
    what: 'a process that may open 64 files',
    within: 300,
    exitCode: 3,
    codes: ['MP222', 'MP999', 'MP401', 'MP304', 'MP301', 'MP503'],
    play: (world) => world.run(only, 300_000, { files: 64 }),
  },
  {
    id: 'two-names',
    what: 'two runs under two names at once',
    within: 600,
    exitCode: 0,
    codes: [],
    mayPass: true,
    play: async (world) => {
      const first = await world.start(only);
      await first.reaches(stages.clusters);
      const second = await world.start(only, { name: 'faults-b' });
      const [one, other] = await Promise.all([first.ended(600_000), second.ended(600_000)]);
      if (one.exitCode !== 0) return one;
      return other;
    },
  },
  {
    id: 'two-under-one-name',
    what: 'a second run under the same name: refused, and the first one is not disturbed',
    within: 300,
    exitCode: 0,
    codes: [],
    mayPass: true,
    play: async (world) => {
      const first = await world.start(only);
      await first.reaches(stages.clusters);
      const second = await world.run(only, 60_000);
      if (second.exitCode !== 3 || !second.stderr.includes('MP204'))
        throw new Error(`the second: exit ${String(second.exitCode)}\n${second.stderr}`);
      return await first.ended(300_000);
    },
  },
];
