import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Docker } from '../toolchain/docker.ts';

/** In a node its own control group is the root of what it sees, with either version of control groups. */
const readControlGroup =
  'if [ -f /sys/fs/cgroup/cgroup.controllers ]; then cd /sys/fs/cgroup && cat memory.current memory.stat; ' +
  'else cd /sys/fs/cgroup/memory && cat memory.usage_in_bytes memory.stat; fi';

/**
 * Bytes of memory that a node works with: the working set of its container's control group, of all that runs in it.
 *
 * @param node name of its container
 * @throws MeshproofError MP702 when the node does not tell.
 */
export async function memoryOfNode(docker: Docker, node: string): Promise<number> {
  const { stdout } = await docker.run(['exec', node, 'sh', '-c', readControlGroup], {
    code: 'MP702',
    purpose: `read the memory of ${node}`,
    timeout: 20_000,
  });
  const bytes = workingSetOf(stdout);
  if (bytes === undefined)
    throw new MeshproofError('MP702', {
      what: `the control group of ${node} does not tell its memory`,
      expected: 'memory.current or memory.usage_in_bytes, and inactive_file of memory.stat',
      seen: stdout.slice(0, 300),
    });
  return bytes;
}

/**
 * The working set as the kubelet and `docker stats` count it: what is used, without the pages of files that the kernel
 * would give up first.
 *
 * @param text the number of bytes in use, and the lines of memory.stat below it
 */
export function workingSetOf(text: string): number | undefined {
  const used = /^(\d+)\n/.exec(text)?.[1];
  // Version 1 counts a group without its children under the shorter name.
  const idle = (/^total_inactive_file (\d+)$/m.exec(text) ?? /^inactive_file (\d+)$/m.exec(text))?.[1];
  return used === undefined || idle === undefined ? undefined : Math.max(0, Number(used) - Number(idle));
}
