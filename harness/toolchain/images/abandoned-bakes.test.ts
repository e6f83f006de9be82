import { expect, test } from 'vitest';
import { thisProcess } from '../../process/process-identity.ts';
import type { ProgramResult } from '../../process/run-program.ts';
import { bakerOption, nobodyBakes, removeAbandonedBakes } from './abandoned-bakes.ts';

test('a baked image does not say that somebody bakes in it', async () => {
  const [, own = ''] = await bakerOption();
  expect(nobodyBakes).toBe(`LABEL ${own.slice(0, own.indexOf('='))}=`);
});

test('only the container of a baker that was killed is removed', async () => {
  const [, own = ''] = await bakerOption();
  const living = own.slice(own.indexOf('=') + 1);
  const self = await thisProcess();
  const rows = {
    'meshproof-bake-1': JSON.stringify({ ...self, started: 'before this one' }),
    'meshproof-bake-2': living,
    'meshproof-bake-3': JSON.stringify({ ...self, started: 'before', place: 'another machine' }),
    'somebody-elses': 'true',
    // Made of an image that a baker committed, which is long gone.
    'meshproof-west-control-plane': JSON.stringify({ ...self, started: 'before this one' }),
  };
  const calls: (readonly string[])[] = [];
  const removed = await removeAbandonedBakes({
    run: (args) => {
      calls.push(args);
      const stdout = args[0] === 'ps' ? Object.entries(rows).map((row) => row.join('\t')) : [];
      return Promise.resolve({ stdout: stdout.join('\n'), stderr: '' } as ProgramResult);
    },
  });
  expect(removed).toEqual(['meshproof-bake-1']);
  expect(calls.slice(1)).toEqual([['rm', '--force', '--volumes', 'meshproof-bake-1']]);
});
