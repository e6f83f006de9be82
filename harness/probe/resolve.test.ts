import { describe, expect, test } from 'vitest';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { lookingLive, withTape, type Tape } from '../tape/tape.ts';
import type { ExecResult } from './pod.ts';
import { hasName, resolveInPod } from './resolve.ts';

const where = { cluster: 'west', kubeconfig: '', context: '', namespace: 'foo', pod: 'sleep-1', container: 'sleep' };

/** Resolves with these answers of the pod, one after the other, in place of one. */
async function resolved(lookUps: readonly Partial<ExecResult>[], server?: () => { late: boolean }): Promise<string[]> {
  const left = [...lookUps];
  const tape: Tape = {
    ask: <T>(question: string) =>
      question.startsWith('getent')
        ? Promise.resolve({ stdout: '', stderr: '', exitCode: 2, ...left.shift() } as T)
        : Promise.resolve().then(() => server?.() as T),
    looking: () => lookingLive(),
  };
  return await withTape(tape, () => resolveInPod('kubectl', where, 'httpbin.bar.global'));
}
const known = {
  stdout: '240.0.0.2       STREAM httpbin.bar.global\n240.0.0.2       DGRAM\n10.0.0.1        STREAM\n',
  exitCode: 0,
};

test('addresses are those of every line, once each', async () => {
  expect(await resolved([known])).toEqual(['10.0.0.1', '240.0.0.2']);
});

test('an address of the other family counts, and an IPv4 one in its clothes does not', async () => {
  const both = `${known.stdout}::ffff:240.0.0.2 STREAM httpbin.bar.global\nfd00::9         STREAM httpbin.bar.global\n`;
  expect(await resolved([{ stdout: both, exitCode: 0 }])).toEqual(['10.0.0.1', '240.0.0.2', 'fd00::9']);
  expect(await resolved([{ stdout: 'fd00::9 STREAM httpbin.bar.global\n' }])).toEqual(['fd00::9']);
});

describe('no address', () => {
  test('counts when the name server answers', async () => {
    expect(await resolved([{}], () => ({ late: false }))).toEqual([]);
  });

  test('is asked for once more when the name server was away meanwhile', async () => {
    expect(await resolved([{}, known], () => ({ late: true }))).toEqual(['10.0.0.1', '240.0.0.2']);
    expect(await resolved([{}, {}], () => ({ late: true }))).toEqual([]);
  });

  test('says nothing when no name server answers', async () => {
    const dead = (): never => {
      throw new MeshproofError('MP702', { what: 'a name server answers foo/sleep-1: not within 10 s' });
    };
    await expect(resolved([{}], dead)).rejects.toThrow(expect.objectContaining({ code: 'MP702' }));
  });

  test('says nothing when the look-up could not be run', async () => {
    await expect(resolved([{ exitCode: 127, stderr: 'getent: not found' }])).rejects.toThrow(
      expect.objectContaining({ code: 'MP702' }),
    );
  });
});

test.each([
  ['10.96.0.1       kubernetes.default.svc.cluster.local\n', true],
  ['10.96.0.1         10.96.0.1\n', false],
  ['fd00::1         fd00::1\n', false],
  ['', false],
])('a name server that answers has a name for an address: %j', (printed, alive) => {
  expect(hasName(printed)).toBe(alive);
});
