import { existsSync } from 'node:fs';

/** The config file of a folder, by the first of these names that is there. */
const configFiles = [
  'yaml',
  'yml',
  'config.yaml',
  'config.yml',
  'config.ts',
  'config.mts',
  'config.js',
  'config.mjs',
].map((ending) => `meshproof.${ending}`);

/** The config file of the working directory; undefined where there is none. */
export const findConfigFile = (): string | undefined => configFiles.find((name) => existsSync(name));
