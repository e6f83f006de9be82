import { expect, test } from 'vitest';
import { plainProgress, silentProgress } from './progress.ts';

const untilAborted = (_say: unknown, signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error('inner'));
    });
  });
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('plain lines: begin, what goes on (not too often), end', async () => {
  const lines: string[] = [];
  await plainProgress((line) => lines.push(line), 0).group('build', [
    {
      title: 'thing',
      run: async (say) => {
        say('half done');
        await tick();
      },
    },
  ]);
  expect(lines.map((line) => line.replace(/^\[ *[\d.]+s\] /, '').replace(/in [\d.]+ s/, 'in N s'))).toEqual([
    'build · thing',
    'build · thing: half done',
    'build · thing: done in N s',
  ]);
});

test('the first failure stops its siblings, is thrown after they ended, and later tasks never begin', async () => {
  const seen: string[] = [];
  const running = silentProgress.group(
    'g',
    [
      {
        title: 'fails',
        run: async () => {
          await tick();
          throw new Error('first');
        },
      },
      {
        title: 'sibling',
        run: (_say, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              seen.push('sibling stopped');
              reject(new Error('second'));
            });
          }),
      },
      { title: 'later', run: () => Promise.resolve(void seen.push('later began')) },
    ],
    { concurrency: 2 },
  );
  await expect(running).rejects.toThrow('first');
  expect(seen).toEqual(['sibling stopped']);
});

test('an abort from outside reaches the tasks and is what is thrown', async () => {
  const controller = new AbortController();
  const running = silentProgress.group('g', [{ title: 't', run: untilAborted }], { signal: controller.signal });
  controller.abort(new Error('outer'));
  await expect(running).rejects.toThrow('outer');
});
