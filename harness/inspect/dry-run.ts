import pLimit from 'p-limit';
import { ClusterApi } from '../cluster/cluster-api.ts';
import { fieldManager, ownLabels } from '../cluster/labels.ts';
import { objectName, type KubernetesObject } from '../cluster/kubernetes-object.ts';
import { asMeshproofError } from '../errors/meshproof-error.ts';
import type { DeclaredHost } from '../mesh/collisions.ts';
import { gatewayAddress, hasEgressGateway } from '../mesh/install.ts';
import { systemNamespace } from '../mesh/operator.ts';
import { topologyNamed } from '../mesh/topologies/registry.ts';
import { firstCollision } from '../scenario/declared.ts';
import { unmetNeed } from '../scenario/needs.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { publishedWorkloads } from '../toolchain/images/release-images.ts';
import type { Config } from '../config/config.ts';
import { providerOf } from '../environment/provider-of.ts';
import { resourceOf, sampleObjects } from './sample-objects.ts';
import { listScenarios, namespacesOf } from '../config/scenario-files.ts';

/** What a run would find in a cluster that the user owns, and what it would make there. */
export interface ClusterPreview {
  readonly name: string;
  readonly context: string;
  readonly kubernetes: string;
  /** Image of istiod; undefined where there is none. */
  readonly istiod: string | undefined;
  readonly gateway: string | undefined;
  readonly egressGateway: boolean;
  readonly mayDoEverything: boolean;
  /** How many objects the API server was asked about, without writing: those that scenarios would apply. */
  readonly asked: number;
  /** Objects that it would not take, or that are somebody else's. */
  readonly refused: readonly { readonly object: string; readonly why: string }[];
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
  const provider = await providerOf(config);
  await provider.check();
  const scenarios = await listScenarios(config.scenarios, only);
  const { curl = publishedWorkloads.curl, httpbin, httpbinPort } = config.workloads ?? {};
  const images = {
    curl,
    httpbin: httpbin ?? publishedWorkloads.httpbin.image,
    httpbinPort: httpbinPort ?? publishedWorkloads.httpbin.port,
  };
  const environment = {
    clusters: provider.addresses.map((address) => ({ ...address })),
    provider: config.provider,
    topology: config.topology,
  };
  const apis = provider.addresses.map((address) => new ClusterApi(address));
  const topology = topologyNamed(config.topology);
  const egress = await Promise.all(apis.map((api) => hasEgressGateway(api, topology)));
  const verdicts = await Promise.all(
    scenarios.map(async ({ meta }) => {
      const why = await unmetNeed(
        meta.needs,
        environment,
        () => Promise.resolve(egress[0] ?? false),
        () => firstCollision(meta.needs, apis),
      );
      return why === undefined ? { id: meta.id, supported: true } : { id: meta.id, supported: false, why };
    }),
  );
  const played = scenarios.filter(({ meta }) => verdicts.some(({ id, supported }) => id === meta.id && supported));
  // Each with its own policies: a right that only one scenario needs is asked for in its namespaces only.
  const withPolicies = played.filter(({ meta }) => (meta.needs.policies ?? []).length > 0);
  const others = played.filter((one) => !withPolicies.includes(one));
  const objects = [
    ...sampleObjects({ namespaces: namespacesOf(others), hosts: distinctHosts(others) }, images),
    ...withPolicies.flatMap(({ meta }) => sampleObjects(meta.needs, images)),
  ];
  const { ingressGateway } = topology;
  const clusters = await Promise.all(
    apis.map((api, index) => preview(api, objects, { ingressGateway, egressGateway: egress[index] ?? false }, signal)),
  );
  return { clusters, scenarios: verdicts, fieldManager, label: formatLabels(apis[0]?.address.owner) };
}

const formatLabels = (owner: string | undefined): string =>
  Object.entries(ownLabels(owner))
    .map((label) => label.join('='))
    .join(' and ');

function distinctHosts(scenarios: readonly Scenario[]): DeclaredHost[] {
  const hosts = scenarios.flatMap(({ meta }) => meta.needs.hosts ?? []);
  return [...new Map(hosts.map((declared) => [declared.host, declared])).values()];
}

async function preview(
  api: ClusterApi,
  objects: readonly KubernetesObject[],
  { ingressGateway, egressGateway }: { readonly ingressGateway: string; readonly egressGateway: boolean },
  signal: AbortSignal,
): Promise<ClusterPreview> {
  const { address } = api;
  const deployment = await api.read({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'istiod', namespace: systemNamespace },
  });
  const image = /"image":"([^"]+)"/.exec(JSON.stringify(deployment?.['spec'] ?? {}))?.[1];
  const gateway = await gatewayAddress(api, ingressGateway, { within: 3_000, signal }).then(
    ({ address: found }) => found,
    () => undefined,
  );
  const limit = pLimit(8);
  const answers = await Promise.all(objects.map((object) => limit(() => refusalOf(api, object))));
  return {
    name: address.name,
    context: address.context,
    kubernetes: await api.version(),
    istiod: image,
    gateway,
    egressGateway,
    mayDoEverything: await api.mayDoEverything(),
    asked: objects.length,
    refused: answers.filter((answer) => answer !== undefined),
  };
}

/** Why an object would not be taken: by what this user may do, by whose it is, or by the server's own words. */
async function refusalOf(
  api: ClusterApi,
  object: KubernetesObject,
): Promise<{ readonly object: string; readonly why: string } | undefined> {
  const { namespace } = object.metadata;
  const resource = resourceOf(object);
  for (const verb of ['create', 'patch', 'delete'])
    if (!(await api.may(verb, resource, namespace)))
      return { object: objectName(object), why: `you may not ${verb} ${resource.resource}` };
  try {
    await api.wouldApply(object);
    return undefined;
  } catch (error) {
    const { message, details } = asMeshproofError(error);
    return { object: objectName(object), why: details.seen ?? message };
  }
}

/** The preview as text. */
export function formatDryRun({ clusters, scenarios, fieldManager: manager, label }: DryRun): string {
  return [
    ...clusters.flatMap((cluster) => [
      `${cluster.name}: context ${cluster.context}, Kubernetes ${cluster.kubernetes}, ` +
        (cluster.istiod === undefined ? 'no istiod' : `istiod ${cluster.istiod}`),
      `  gateway ${cluster.gateway ?? 'without an address'}, egress gateway ` +
        `${cluster.egressGateway ? 'there' : 'not there'}, ` +
        (cluster.mayDoEverything ? 'you may do everything' : 'you may not do everything'),
      `  ${cluster.asked - cluster.refused.length} of ${cluster.asked} objects would be taken`,
      ...cluster.refused.map(({ object, why }) => `  ✗ ${object}: ${why}`),
    ]),
    ...scenarios.map(
      ({ id, supported, why }) =>
        `${supported ? '✓' : '–'} ${id}${why === undefined ? '' : `: not supported, it ${why}`}`,
    ),
    `objects would be applied as field manager ${manager}, with the labels ${label}; nothing was written`,
    '',
  ].join('\n');
}
