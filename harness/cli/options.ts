import { Option } from 'commander';

export const providerOption = (): Option => new Option('--provider <name>', 'where clusters come from').choices(['kind', 'existing']);
export const toolchainOption = (): Option => new Option('--toolchain <edition>', 'where components come from').choices(['auto', 'source', 'release']);
export const meshOption = (): Option => new Option('--mesh <build>', 'which Istio: istio@<release>, istio@<pseudo-version of a commit>, path:<checkout>');
export const kubernetesOption = (): Option => new Option('--kubernetes <version>', 'which Kubernetes, e.g. v1.34.4');
