/** Maintainers' script: writes the pages of docs/ that are made from the code. `npm run docs:references` */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { echo } from 'zx';
import { packageRoot } from '../harness/assets/package-files.ts';
import { formatPage, references } from '../harness/cli/references.ts';

for (const [path, text] of Object.entries(references())) {
  await writeFile(join(packageRoot, path), await formatPage(text));
  echo(`wrote ${path}`);
}
