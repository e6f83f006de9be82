import type { RootFilesystemRecipe } from '../../harness/toolchain/recipe.ts';

/** A Docker that people have, as a release of Debian packages it. */
export interface EngineChoice {
  /** Version of Docker, e.g. `28.5`. */
  readonly version: string;
  /** Which image store its daemon is set to. Docker 20.10 has its own only; a new Docker 29 starts with containerd's. */
  readonly imageStore: 'graph' | 'containerd';
  readonly machine: RootFilesystemRecipe;
}

const machine = (suite: string, docker: readonly string[]): RootFilesystemRecipe => ({
  id: `machine-${suite}`,
  version: 'debian',
  from: 'rootfs',
  suite,
  include: [...docker, 'containerd', 'runc', 'iptables', 'iproute2', 'ca-certificates', 'libstdc++6'],
  provides: { machine: 'rootfs.tar' },
  seconds: 60,
  bytes: 420_000_000,
});

/** The oldest that is still around, the last before the containerd image store was finished, and one with it. */
export const engines: readonly EngineChoice[] = [
  { version: '20.10', imageStore: 'graph', machine: machine('bookworm', ['docker.io']) },
  { version: '26.1', imageStore: 'containerd', machine: machine('trixie', ['docker.io', 'docker-cli']) },
  { version: '28.5', imageStore: 'containerd', machine: machine('sid', ['docker.io', 'docker-cli']) },
];

/** @throws Error for a version that is not in the list. */
export function engineOf(version: string): EngineChoice {
  const found = engines.find((engine) => engine.version === version);
  if (found !== undefined) return found;
  throw new Error(`--engine is one of ${engines.map((engine) => engine.version).join(', ')}, not ${version}`);
}
