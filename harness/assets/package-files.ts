import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

/** The nearest folder above this module that has all of these entries. */
function folderWith(...entries: readonly string[]): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (entries.every((entry) => existsSync(join(folder, entry)))) return folder;
    if (folder === dirname(folder)) throw new Error(`no folder above ${import.meta.dirname} has ${entries.join(', ')}`);
  }
}

/** The package: what a run reads beside its code, and what `npm` knows, is found from here, compiled or not. */
export const packageRoot = folderWith('package.json', 'harness/assets');

/** The command line, as another process starts it. */
export const commandLine = join(packageRoot, 'harness/cli/bin.js');

/** Where the code that runs now lies: the package itself for TypeScript, the build for what was compiled of it. */
export const codeRoot = folderWith('harness', 'scenarios');
const ending = extname(import.meta.filename);

/** Folder of the scenarios that come with meshproof, and how their files end there. */
export const builtInScenarios = { folder: join(codeRoot, 'scenarios'), ending };

/** What a build knows of its scenarios without loading one: the `meta` of each, as JSON. */
export const scenarioList = join(codeRoot, 'scenarios.json');

/**
 * A module of the harness as it runs now, for vitest, which loads it by its path.
 *
 * @param path below the package, without an ending: "harness/scenario/vitest-setup"
 */
export const codeFile = (path: string): string => join(codeRoot, `${path}${ending}`);
