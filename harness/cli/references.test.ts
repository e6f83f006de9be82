import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../assets/package-files.ts';
import { catalogue } from '../errors/catalogue.ts';
import { configSchema } from '../config/config.ts';
import { formatPage, references } from './references.ts';

test.each(Object.keys(references()))(
  '%s is what the code makes of it (else: npm run docs:references)',
  async (path) => {
    expect(await readFile(join(packageRoot, path), 'utf8')).toBe(await formatPage(references()[path] ?? ''));
  },
);

test('every key of the config is there, with what it says', () => {
  const rows = (references()['docs/configuration.md'] ?? '').split('\n').filter((line) => line.startsWith('- `'));
  const keys = rows.map((row) => /`([^`]+)`/.exec(row)?.[1]);
  expect(keys).toEqual(expect.arrayContaining(Object.keys(configSchema.shape)));
  expect(rows.filter((row) => row.endsWith('): '))).toEqual([]);
});

test('every error is there', () => {
  const page = references()['docs/errors.md'] ?? '';
  for (const code of Object.keys(catalogue)) expect(page).toContain(`## ${code}: `);
});
