import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { lookingLive, withTape, type Tape } from '../tape/tape.ts';
import { startLoad, succeeded, type LoadResult } from './load.ts';
import type { PodContainer } from './pod.ts';

const where: PodContainer = {
  cluster: 'west',
  kubeconfig: '/nowhere',
  context: 'west',
  namespace: 'foo',
  pod: 'sleep-1',
  container: 'sleep',
};
const load = { url: 'http://httpbin.global/hostname', perSecond: 50, atMost: 2 };
const question = `load of ${load.perSecond} a second on ${load.url} from west foo/sleep-1`;
const signal = new AbortController().signal;
let folder: string;

/** Runs in place of kubectl what a pod would run, and in place of curl what answers at once. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  const program = async (name: string, text: string): Promise<void> => {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(folder, name), 0o755);
  };
  await program('kubectl', 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"');
  await program('curl', `printf 'pod-1\\037200\\0370\\0370.010'`);
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** Answers every question with what was recorded for it, or asks and records. */
const tapeOf = (answers: Map<string, unknown>): Tape => ({
  ask: async <T>(question: string, answer: () => Promise<T>): Promise<T> => {
    if (!answers.has(question)) answers.set(question, await answer());
    return answers.get(question) as T;
  },
  looking: () => lookingLive(),
});
const played = (answers: Map<string, unknown>): Promise<LoadResult> =>
  withTape(tapeOf(answers), () => startLoad('kubectl', where, load, signal).end());

describe('a load', () => {
  test('is on the tape as it was printed, and a replay reads it again', async () => {
    const answers = new Map<string, unknown>();
    const live = await withTape(tapeOf(answers), async () => {
      const running = startLoad(join(folder, 'kubectl'), where, load, signal);
      await running.shows({ what: 'answers', each: succeeded, calls: 3, within: 30_000 });
      return await running.end();
    });
    expect(live.calls.length).toBeGreaterThanOrEqual(3);
    for (const call of live.calls)
      expect(call).toMatchObject({ status: 200, exitCode: 0, seconds: 0.01, body: 'pod-1' });
    const printed = answers.get(question);
    expect(printed).toMatchObject({
      records: expect.arrayContaining([expect.stringMatching(/^\d+\u001fpod-1\u001f200\u001f0\u001f0\.010$/)]),
    });
    expect(await played(answers)).toEqual(live);

    const { records, stderr } = printed as { readonly records: readonly string[]; readonly stderr: string };
    const lost = records.filter((_one, index) => index !== records.findIndex((each) => each.includes('pod-1')));
    expect(lost).toHaveLength(records.length - 1);
    await expect(played(new Map([[question, { records: lost, stderr }]]))).rejects.toMatchObject({ code: 'MP702' });
  });

  test('of a run that kept what was made of it is taken as it is', async () => {
    const calls = [{ at: 0.5, status: 503, exitCode: 0, seconds: 0.1, body: '' }];
    expect(await played(new Map([[question, { calls }]]))).toEqual({ calls });
  });
});
