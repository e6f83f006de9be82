#!/usr/bin/env node
// The package holds compiled code. A clone has sources, which are compiled when they changed, so that `npx meshproof`
// works right after `npm ci`, also where npm runs no scripts; where the clone may not be written to, its TypeScript is
// read as it is, which takes longer. A machine on which not even that can be loaded (no file may be opened, say) has
// failed: Node's own exit code 1 would say that a claim had.
import { existsSync } from 'node:fs';

try {
  const builder = new URL('../../scripts/build.js', import.meta.url);
  if (!existsSync(builder)) await import('../../lib/harness/cli/main.js');
  else {
    const build = await (await import(builder.href)).currentBuild();
    if (build === undefined) (await import('tsx/esm/api')).register();
    await import(build === undefined ? './main.ts' : `${build}/harness/cli/main.js`);
  }
} catch (error) {
  console.error(error);
  process.exitCode = 3;
}
