import { ClusterApi, type ClusterAddress } from '../cluster/cluster-api.ts';
import { fieldManager, ownLabel } from '../cluster/labels.ts';
import { asMeshproofError } from '../errors/meshproof-error.ts';
import { gatewayAddress, hasEgressGateway } from '../mesh/install.ts';
import { systemNamespace } from '../mesh/operator.ts';
import { unmetNeed } from '../scenario/needs.ts';
import type { Config } from './config.ts';
import { existingProvider } from './existing-provider.ts';
import { listScenarios, namespacesOf } from './scenario-files.ts';

/** What a run would find in a cluster of the user, and what it would make there. */
export interface ClusterPreview {
  readonly name: string;
  readonly context: string;
  readonly kubernetes: string;
  /** Image of istiod; undefined where there is none. */
  readonly istiod: string | undefined;
  readonly gateway: string | undefined;
  readonly egressGateway: boolean;
  readonly mayDoEverything: boolean;
  /** Namespaces that scenarios make, and whether they may: the API server was asked, without writing. */
  readonly namespaces: readonly {
    readonly name: string;
    readonly state: 'new' | 'meshproof’s' | 'somebody else’s' | 'refused';
    readonly why?: string;
  }[];
}

export interface DryRun {
  readonly clusters: readonly ClusterPreview[];
  readonly scenarios: readonly { readonly id: string; readonly supported: boolean; readonly why?: string }[];
  /** Who owns what is written: the field manager of server-side apply, and the label of every object. */
  readonly fieldManager: string;
  readonly label: string;
}

/**
 * Looks at the user's clusters as a run would, and writes nothing.
 *
 * @throws MeshproofError MP504 for a context that does not answer.
 */
export async function dryRun(
  config: Config,
  only: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<DryRun> {
  const provider = await existingProvider(config);
  await provider.check();
  const scenarios = await listScenarios(only);
  const environment = {
    clusters: provider.addresses.map((address) => ({ ...address })),
    offers: provider.offers,
    provider: 'existing' as const,
  };
  const clusters = await Promise.all(
    provider.addresses.map((address) => preview(address, namespacesOf(scenarios), signal)),
  );
  const verdicts = await Promise.all(
    scenarios.map(async ({ meta }) => {
      const why = await unmetNeed(meta.needs, environment, () => Promise.resolve(clusters[0]?.egressGateway ?? false));
      return why === undefined ? { id: meta.id, supported: true } : { id: meta.id, supported: false, why };
    }),
  );
  return { clusters, scenarios: verdicts, fieldManager, label: `${ownLabel}=${fieldManager}` };
}

async function preview(
  address: ClusterAddress,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<ClusterPreview> {
  const api = new ClusterApi(address);
  const deployment = await api.read({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'istiod', namespace: systemNamespace },
  });
  const image = /"image":"([^"]+)"/.exec(JSON.stringify(deployment?.['spec'] ?? {}))?.[1];
  const gateway = await gatewayAddress(api, { within: 3_000, signal }).then(
    ({ address: found }) => found,
    () => undefined,
  );
  return {
    name: address.name,
    context: address.context,
    kubernetes: await api.version(),
    istiod: image,
    gateway,
    egressGateway: await hasEgressGateway(api),
    mayDoEverything: await api.mayDoEverything(),
    namespaces: await Promise.all(namespaces.map((name) => previewNamespace(api, name))),
  };
}

async function previewNamespace(api: ClusterApi, name: string): Promise<ClusterPreview['namespaces'][number]> {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  const found = await api.read(object);
  if (found !== undefined && !api.isOwn(found))
    return {
      name,
      state: 'somebody else’s',
      why: `it lacks the label ${ownLabel}=${fieldManager}, so scenarios that need it end with MP507`,
    };
  try {
    await api.wouldApply(object);
    return { name, state: found === undefined ? 'new' : 'meshproof’s' };
  } catch (error) {
    return { name, state: 'refused', why: asMeshproofError(error).details.seen ?? asMeshproofError(error).message };
  }
}

/** The preview as text. */
export function dryRunTold({ clusters, scenarios, fieldManager: manager, label }: DryRun): string {
  return [
    ...clusters.flatMap((cluster) => [
      `${cluster.name}: context ${cluster.context}, Kubernetes ${cluster.kubernetes}, ${cluster.istiod === undefined ? 'no istiod' : `istiod ${cluster.istiod}`}`,
      `  gateway ${cluster.gateway ?? 'without an address'}, egress gateway ${cluster.egressGateway ? 'there' : 'not there'}, ${cluster.mayDoEverything ? 'you may do everything' : 'you may not do everything'}`,
      ...cluster.namespaces.map(
        ({ name, state, why }) => `  namespace ${name}: ${state}${why === undefined ? '' : ` (${why})`}`,
      ),
    ]),
    ...scenarios.map(
      ({ id, supported, why }) =>
        `${supported ? '✓' : '–'} ${id}${why === undefined ? '' : `: not supported, it ${why}`}`,
    ),
    `objects would be applied as field manager ${manager}, with the label ${label}; nothing was written`,
    '',
  ].join('\n');
}
