/** Maintainers' script: writes the pages of docs/ that are made from the code. `npm run docs:references` */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { echo } from 'zx';
import { packageRoot } from '../harness/assets/package-files.ts';
import { references } from '../harness/cli/references.ts';

for (const [path, text] of Object.entries(references())) {
  const options = await resolveConfig(join(packageRoot, path));
  await writeFile(join(packageRoot, path), await format(text, { ...options, parser: 'markdown' }));
  echo(`wrote ${path}`);
}
