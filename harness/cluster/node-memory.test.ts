import { expect, test } from 'vitest';
import type { Docker } from '../toolchain/docker.ts';
import { memoryOfNode, workingSetOf } from './node-memory.ts';

test.each([
  ['version 2', '900\nanon 500\nfile 400\ninactive_file 150\nactive_file 250\n', 750],
  [
    'version 1, whose shorter name leaves the children out',
    '900\ninactive_file 10\nhierarchical_memory_limit 99\ntotal_inactive_file 200\n',
    700,
  ],
  ['a moment at which the counts do not fit', '100\ninactive_file 150\n', 0],
  ['no memory.stat', '900\n', undefined],
  ['no control group', 'cat: memory.current: No such file or directory\n', undefined],
])('the working set of control groups: %s', (_what, text, bytes) => {
  expect(workingSetOf(text)).toBe(bytes);
});

test('a node that does not tell its memory is named', async () => {
  const docker = { run: () => Promise.resolve({ stdout: 'nothing', stderr: '' }) } as unknown as Docker;
  await expect(memoryOfNode(docker, 'meshproof-west-control-plane')).rejects.toMatchObject({
    code: 'MP702',
    details: { what: expect.stringContaining('meshproof-west-control-plane') },
  });
});
