import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Progress } from '../progress/progress.ts';
import { ClusterApi, type ClusterAddress } from './cluster-api.ts';
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
    const config = new KubeConfig();
    const { addresses } = this;
    for (const { kubeconfig, context, name } of addresses) {
      try {
        config.loadFromFile(kubeconfig);
      } catch (cause) {
        throw new MeshproofError('MP504', {
          what: `the kubeconfig cannot be read`,
          where: kubeconfig,
          seen: cause instanceof Error ? cause.message : String(cause),
          cause,
        });
      }
      const known = config.getContexts().map((one) => one.name);
      if (!known.includes(context)) {
        throw new MeshproofError('MP504', {
          what: `no context ${context} for cluster ${name}`,
          where: kubeconfig,
          expected: `one of ${known.join(', ')}`,
          seen: context,
        });
      }
    }
    await Promise.all(addresses.map((address) => new ClusterApi(address).version()));
  }

  provide(_progress: Progress, _signal: AbortSignal): Promise<ClusterAddress[]> {
    return Promise.resolve([...this.addresses]);
  }

  startLoadBalancer(): Promise<void> {
    return Promise.resolve();
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
