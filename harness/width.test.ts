import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { glob } from 'tinyglobby';
import { expect, test } from 'vitest';
import { packageRoot } from './assets/package-files.ts';

/** Columns of a screen; code is held to them by lint. */
const columns = 120;

const pages = await glob(['*.md', '*.{yaml,yml}', '{docs,examples,.github,.ci}/**/*.{md,yml,yaml}', '.ci/run'], {
  cwd: packageRoot,
  dot: true,
  // A table that is made by a command, and the reference of the library.
  ignore: ['docs/diagnosis.md', 'docs/api/**', '**/node_modules/**'],
});

test.each(pages)('no line of %s needs scrolling', async (page) => {
  const lines = (await readFile(join(packageRoot, page), 'utf8')).split('\n');
  const wide = lines.map((line, index) => `${index + 1}: ${line}`).filter((_, index) => isWide(lines[index] ?? ''));
  expect(wide).toEqual([]);
});

const isWide = (line: string): boolean => line.length > columns;
