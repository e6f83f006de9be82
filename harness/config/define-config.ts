import type { ConfigFile } from './config.ts';

export type { ConfigFile } from './config.ts';

/**
 * Types a config file. It changes nothing.
 *
 * @example
 * // meshproof.config.ts
 * import { defineConfig } from 'meshproof/config';
 * export default defineConfig({ provider: 'existing', contexts: { west: 'prod-west', east: 'prod-east' } });
 */
export const defineConfig = (config: ConfigFile): ConfigFile => config;
