import { expect, test } from 'vitest';
import { leftoverProcesses } from './stop-daemon.ts';

test('a dead daemon’s shims are found with everything below them, and nobody else’s', () => {
  const listing = [
    '    1     0 /sbin/init',
    '  100     1 /cache/usr/bin/containerd-shim-runc-v2 -namespace meshproof -id a -address /run/meshproof/exec/containerd/containerd.sock',
    '  101   100 /sbin/init',
    '  102   101 /usr/bin/containerd',
    '  103   102 kube-apiserver',
    '  200     1 /usr/bin/containerd-shim-runc-v2 -namespace moby -id b -address /run/containerd/containerd.sock',
    '  201   200 postgres',
    '  300     1 vi /run/meshproof/notes',
  ].join('\n');
  expect(leftoverProcesses(listing, '/run/meshproof')).toEqual([100, 101, 102, 103]);
});
