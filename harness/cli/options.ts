import { Option } from 'commander';

export const providerOption = (): Option => new Option('--provider <name>', 'where clusters come from').choices(['kind', 'existing']);
export const toolchainOption = (): Option => new Option('--toolchain <edition>', 'where components come from').choices(['auto', 'source', 'release']);
