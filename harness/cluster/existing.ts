import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Progress } from '../progress/progress.ts';
import { ClusterApi, type ClusterAddress } from './cluster-api.ts';
import { readKubeconfig } from './read-kubeconfig.ts';
import type { ClusterProvider } from './provider.ts';

export interface ExistingOptions {
  readonly clusters: readonly string[];
  /** Cluster → kubeconfig context. */
  readonly contexts: Readonly<Record<string, string>>;
  /** Path; the user's own by default. */
  readonly kubeconfig?: string | undefined;
  /** Id of the environment that writes there. */
  readonly owner: string;
}

/** Clusters that the user has, meshed already. Nothing of them is created or deleted beyond what scenarios apply and take away. */
export class ExistingProvider implements ClusterProvider {
  readonly kind = 'existing';
  readonly offers = { loadBalancer: true, ownsMesh: false };
  readonly #options: ExistingOptions;

  constructor(options: ExistingOptions) {
    this.#options = options;
  }

  async check(): Promise<void> {
    const { addresses } = this;
    for (const address of addresses) readKubeconfig(address);
    await Promise.all(addresses.map((address) => new ClusterApi(address).version()));
  }

  provide(_progress: Progress, _signal: AbortSignal): Promise<ClusterAddress[]> {
    return Promise.resolve([...this.addresses]);
  }

  startLoadBalancer(): Promise<void> {
    return Promise.resolve();
  }

  /** Id that everything made there carries. */
  get owner(): string {
    return this.#options.owner;
  }

  /** Where the clusters are, whether or not they answer. */
  get addresses(): readonly ClusterAddress[] {
    const { clusters, contexts, kubeconfig, owner } = this.#options;
    // In `meshproof exec`, KUBECONFIG is the environment's; what it was before is beside it.
    const [own = ''] = (process.env['MESHPROOF_OUTER_KUBECONFIG'] ?? process.env['KUBECONFIG'] ?? '').split(':');
    const file = resolve(kubeconfig ?? (own === '' ? join(homedir(), '.kube', 'config') : own));
    return clusters.map((name) => ({ name, kubeconfig: file, context: contexts[name] ?? '', foreign: true, owner }));
  }
}
