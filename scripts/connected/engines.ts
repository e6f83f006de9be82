import type { GoRecipe, RootFilesystemRecipe } from '../../harness/toolchain/recipe.ts';

/** A Docker that people have, as a release of Debian packages it, or with a daemon that is newer than any package. */
export interface EngineChoice {
  /** Version of Docker, e.g. `28.5`. */
  readonly version: string;
  /**
   * Which image store its daemon is set to. Docker 20.10 has its own only; a new Docker 29 starts with containerd's by
   * `default`.
   */
  readonly imageStore: 'graph' | 'containerd' | 'default';
  readonly machine: RootFilesystemRecipe;
  /** Takes the place of the package's dockerd. */
  readonly daemon?: GoRecipe;
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

/** Docker 29's daemon. Its module counts on its own, and the release's number is not in it. */
const moby = 'v2.0.0-beta.24';
const docker29: GoRecipe = {
  id: 'dockerd-29',
  version: moby,
  from: 'go',
  module: 'github.com/moby/moby/v2',
  lockedByItself: true,
  programs: {
    'github.com/moby/moby/v2/cmd/dockerd': 'dockerd',
    'github.com/moby/moby/v2/cmd/docker-proxy': 'docker-proxy',
  },
  stamp: { 'github.com/moby/moby/v2/dockerversion.Version': `29.0.0-moby-${moby}` },
  provides: { dockerd: 'dockerd', 'docker-proxy': 'docker-proxy' },
  seconds: 300,
  bytes: 110_000_000,
};

/**
 * The oldest that is still around, the last before the containerd image store was finished, one with it, and the first
 * that starts with it.
 */
export const engines: readonly EngineChoice[] = [
  { version: '20.10', imageStore: 'graph', machine: machine('bookworm', ['docker.io']) },
  { version: '26.1', imageStore: 'containerd', machine: machine('trixie', ['docker.io', 'docker-cli']) },
  { version: '28.5', imageStore: 'containerd', machine: machine('sid', ['docker.io', 'docker-cli']) },
  { version: '29', imageStore: 'default', machine: machine('sid', ['docker.io', 'docker-cli']), daemon: docker29 },
];

/** @throws Error for a version that is not in the list. */
export function engineOf(version: string): EngineChoice {
  const found = engines.find((engine) => engine.version === version);
  if (found !== undefined) return found;
  throw new Error(`--engine is one of ${engines.map((engine) => engine.version).join(', ')}, not ${version}`);
}
