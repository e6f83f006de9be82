import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import type { ClusterAddress } from '../cluster-address.ts';
import { removeOwnNamespaces } from '../leftovers.ts';
import { ClusterApi } from '../cluster-api.ts';
import { ownLabels } from '../labels.ts';
import { readKubeconfig } from '../read-kubeconfig.ts';
import type { Provider, ProviderContext } from './provider.ts';

/**
 * Clusters that somebody has, meshed already. Nothing of them is created or deleted beyond what scenarios apply and
 * take away.
 */
export class ExistingClusters implements Provider {
  readonly #context: ProviderContext;

  constructor(context: ProviderContext) {
    this.#context = context;
  }

  async check(): Promise<void> {
    const { addresses } = this;
    for (const address of addresses) readKubeconfig(address);
    await Promise.all(addresses.map((address) => new ClusterApi(address).version()));
  }

  create(): Promise<ClusterAddress[]> {
    return Promise.resolve([...this.addresses]);
  }

  startLoadBalancer(): Promise<void> {
    return Promise.resolve();
  }

  get owner(): string {
    return this.#context.owner;
  }

  get addresses(): readonly ClusterAddress[] {
    const { clusters, contexts = {}, kubeconfig, owner } = this.#context;
    // In `meshproof exec`, KUBECONFIG is the environment's; what it was before is beside it.
    const [own = ''] = (process.env['MESHPROOF_OUTER_KUBECONFIG'] ?? process.env['KUBECONFIG'] ?? '').split(':');
    const file = resolve(kubeconfig ?? (own === '' ? join(homedir(), '.kube', 'config') : own));
    return clusters.map((name) => ({ name, kubeconfig: file, context: contexts[name] ?? '', foreign: true, owner }));
  }

  /**
   * Takes away the namespaces and objects that this environment made, by its owner id, and nothing else.
   *
   * @throws MeshproofError MP510 for a namespace in which somebody else has something; MP504 for a cluster that does
   *   not answer; what was made there is still to be removed then.
   */
  async destroy(
    kept: readonly ClusterAddress[],
    { forget = false }: { readonly forget?: boolean } = {},
  ): Promise<string[]> {
    // All have to answer before anything goes: half a removal would leave calls between clusters broken, and a state
    // that says otherwise.
    const left: string[] = [];
    const answering = await Promise.all(
      kept.map(async (cluster) => {
        try {
          const api = new ClusterApi({ ...cluster, agreed: true });
          await api.version();
          return [api];
        } catch (error) {
          if (!forget || !(error instanceof MeshproofError && error.code === 'MP504')) throw error;
          left.push(leftIn(cluster));
          return [];
        }
      }),
    );
    const removed = await Promise.all(
      answering.flat().map(async (api) => {
        const { removed: own, staying } = await removeOwnNamespaces(api);
        return { lines: own.map((what) => `${what} of ${api.address.name}`), staying };
      }),
    );
    // Told once all else is gone: somebody has to look into these.
    const [first] = removed.flatMap(({ staying }) => staying);
    if (first !== undefined) throw first;
    return [...removed.flatMap(({ lines }) => lines), ...left];
  }
}

function leftIn({ name, context, owner }: ClusterAddress): string {
  const selector = Object.entries(ownLabels(owner)).map((label) => label.join('='));
  return (
    `nothing of ${name} (context ${context} does not answer): what may be left there carries ` + selector.join(' and ')
  );
}
