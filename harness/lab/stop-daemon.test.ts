import { expect, test } from 'vitest';
import { leftoverProcesses, mountsOf } from './stop-daemon.ts';

test('a dead daemon’s shims are found with everything below them, and nobody else’s', () => {
  const listing = [
    '    1     0 /sbin/init',
    '  100     1 /cache/usr/bin/containerd-shim-runc-v2 -namespace meshproof -id a -address ' +
      '/run/meshproof/exec/containerd/containerd.sock',
    '  101   100 /sbin/init',
    '  102   101 /usr/bin/containerd',
    '  103   102 kube-apiserver',
    '  200     1 /usr/bin/containerd-shim-runc-v2 -namespace moby -id b -address /run/containerd/containerd.sock',
    '  201   200 postgres',
    '  300     1 vi /run/meshproof/notes',
  ].join('\n');
  expect(leftoverProcesses(listing, '/run/meshproof')).toEqual([100, 101, 102, 103]);
});

test('what a daemon mounted goes, also the folder that it binds onto itself; somebody’s disk there stays', () => {
  const line = (root: string, at: string): string =>
    `36 35 254:0 ${root} ${at} rw,relatime shared:1 - ext4 /dev/vda rw`;
  const table = [line('/', '/'), line('/cache/docker', '/cache/docker'), line('/', '/cache/docker/overlay2/a/merged')];
  expect(mountsOf(table.join('\n'), '/cache/docker')).toEqual(['/cache/docker', '/cache/docker/overlay2/a/merged']);
  expect(mountsOf(line('/', '/cache/docker'), '/cache/docker')).toEqual([]);
  expect(mountsOf(line('/', '/cache/docker-of-others'), '/cache/docker')).toEqual([]);
});
