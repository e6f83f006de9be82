import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { daemonIn } from './daemon.ts';
import { LabUsers } from './lab-users.ts';

const [a, b] = [
  { name: 'a', state: '/state/a' },
  { name: 'b', state: '/state/b' },
];
let folder: string;
let users: LabUsers;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-users-'));
  users = new LabUsers(join(folder, 'users.json'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Another process joins for an environment, and lives on or ends. */
async function another(name: string, alive: boolean): Promise<() => Promise<void>> {
  const module = fileURLToPath(new URL('./lab-users.ts', import.meta.url));
  const user = JSON.stringify({ name, state: `/state/${name}` });
  const code = `const { LabUsers } = await import(${JSON.stringify(module)});
    await new LabUsers(${JSON.stringify(join(folder, 'users.json'))}).join(${user});
    console.log('joined');
    if (${String(alive)}) setInterval(() => undefined, 1000);`;
  const child = execa(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], { reject: false });
  await new Promise<void>((resolve) =>
    child.stdout.once('data', () => {
      resolve();
    }),
  );
  if (!alive) await child;
  return async () => {
    child.kill('SIGKILL');
    await child;
  };
}

test('the last one to leave has no others', async () => {
  const end = await another('b', true);
  await users.join(a);
  expect(await users.others(a)).toEqual([expect.stringMatching(/^b \(process \d+\)$/)]);
  await users.leave(a, { keep: false });
  expect(await users.has(a)).toBe(false);
  await end();
  expect(await users.others(a)).toEqual([]);
  // What the killed one left is known until somebody takes it down.
  expect(await users.has(b)).toBe(true);
  await users.leave(b, { keep: false });
  expect(await users.has(b)).toBe(false);
});

test('a kept environment counts without a process, until it leaves', async () => {
  await users.join(a);
  await users.leave(a, { keep: true });
  expect(await users.others(b)).toEqual(['kept environment a']);
  expect(await users.others(a)).toEqual([]);
  await users.leave(a, { keep: false });
  expect(await users.others(b)).toEqual([]);
});

test('two people may have one name: the folder tells them apart', async () => {
  await users.join(a);
  await users.leave(a, { keep: true });
  await users.leave({ ...a, state: '/elsewhere/a' }, { keep: false });
  expect(await users.others(b)).toEqual(['kept environment a']);
});

test('after all was lost only living processes are on the list', async () => {
  await users.join(a);
  await users.leave(a, { keep: true });
  const end = await another('b', false);
  await end();
  await users.join(a);
  await users.forgetTheRest();
  expect(await users.has(b)).toBe(false);
  expect(await users.has(a)).toBe(true);
});

test('a dockerd is the lab’s by its own pid file, whatever else runs under the pid', () => {
  const own = [
    '/c/usr/sbin/dockerd',
    '--host',
    'x',
    '--pidfile',
    '/run/meshproof/docker.pid',
    '--data-root',
    '/c/docker',
  ];
  expect(daemonIn(own, '/run/meshproof/docker.pid')).toEqual({ dataRoot: '/c/docker', docker: '/c/usr/bin/docker' });
  expect(daemonIn(own, '/run/other/docker.pid')).toBeUndefined();
  expect(daemonIn(['/usr/bin/dockerd', '-H', 'fd://'], '/run/meshproof/docker.pid')).toBeUndefined();
  expect(
    daemonIn(['vi', 'dockerd', '--pidfile', '/run/meshproof/docker.pid'], '/run/meshproof/docker.pid'),
  ).toBeUndefined();
});
