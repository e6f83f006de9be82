import pLimit from 'p-limit';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import { isAbsent } from '../cluster/api-errors.ts';
import type { ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { runProgram } from '../process/run-program.ts';
import { patience, Stuck } from '../wait/stuck.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import type { CaCerts } from './ca-certs.ts';
import { eastWestPort, healthPort, systemNamespace, type OperatorOptions } from './operator.ts';
import type { Topology } from './topologies/topology.ts';

/**
 * Renders the control plane's objects with istioctl; its charts are embedded, so this works offline and before any
 * cluster is there.
 *
 * @throws MeshproofError MP605 with istioctl's words.
 */
export async function renderMesh(
  istioctl: string,
  topology: Topology,
  options: OperatorOptions,
  signal?: AbortSignal,
): Promise<KubernetesObject[]> {
  const { stdout } = await runProgram({
    program: istioctl,
    args: ['manifest', 'generate', '--filename', '-'],
    input: stringify(topology.operator(options)),
    purpose: 'render the Istio manifests',
    code: 'MP605',
    where: `cluster ${options.cluster}`,
    timeout: 60_000,
    signal,
  });
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

/**
 * Installs one replicated control plane: namespace and the secret `cacerts` first, so that istiod signs with the shared
 * root from the start; then everything else at once. The gateways of the mesh itself (15443, mutual TLS for
 * `.global`) follow from the profile.
 *
 * @returns the namespace, the secret without its contents, and all other objects, as the server has them
 * @throws MeshproofError MP505 with the object that was refused.
 */
export async function applyMesh(
  api: ClusterApi,
  rendered: readonly KubernetesObject[],
  authority: CaCerts,
  topology: Topology,
  signal?: AbortSignal,
): Promise<KubernetesObject[]> {
  const namespace = await api.apply(
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: systemNamespace, labels: { ...topology.systemLabels(api.address.name) } },
    },
    signal,
  );
  const { apiVersion, kind, metadata } = await api.apply(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'cacerts', namespace: systemNamespace },
      stringData: { ...authority },
    },
    signal,
  );
  return [
    namespace,
    { apiVersion, kind, metadata },
    ...(await api.applyAll(rendered, signal)),
    ...(await api.applyAll(topology.objects(), signal)),
  ];
}

/**
 * The CA that istiod signs with, as the secret `cacerts` holds it. Kept in memory only, to install the same mesh again.
 */
export async function readCaSecret(api: ClusterApi): Promise<CaCerts> {
  const { data = {} } = await api.core.readNamespacedSecret({ namespace: systemNamespace, name: 'cacerts' });
  const file = (name: keyof CaCerts): string => Buffer.from(data[name] ?? '', 'base64').toString();
  return {
    'ca-cert.pem': file('ca-cert.pem'),
    'ca-key.pem': file('ca-key.pem'),
    'root-cert.pem': file('root-cert.pem'),
    'cert-chain.pem': file('cert-chain.pem'),
  };
}

/**
 * Takes away what `applyMesh` installed, last first, and waits until the namespace is gone. istiod leaves a ConfigMap
 * with the root certificate in every namespace, which no manifest names and `kubectl delete -f` therefore forgets:
 * these go as well.
 *
 * @param within milliseconds
 * @returns the objects of the manifest that were deleted
 */
export async function removeMesh(
  api: ClusterApi,
  rendered: readonly KubernetesObject[],
  topology: Topology,
  within: number,
  signal?: AbortSignal,
): Promise<KubernetesObject[]> {
  const definitions = rendered.filter(({ kind }) => kind === 'CustomResourceDefinition');
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } };
  const others = [...topology.objects(), ...rendered]
    .filter((object) => !definitions.includes(object) && object.kind !== 'Namespace')
    .reverse();
  // In order, as kubectl does it, and not each behind the answer to the one before it.
  const some = pLimit(8);
  await Promise.all(others.map((object) => some(() => api.delete(object))));
  // Their pods would drain for half a minute; nobody calls them any more.
  await api.endPods(systemNamespace);
  await Promise.all([namespace, ...definitions].map((object) => api.delete(object)));
  await api.deleteConfigMaps('istio.io/config=true');
  await api.waitUntilGone(systemNamespace, { within, signal, meanwhile: () => api.endPods(systemNamespace) });
  return [...others, ...definitions];
}

/** Those of a topology's gateways that a mesh has: on clusters that the user owns some may not be installed. */
export async function gatewaysOf(api: Pick<ClusterApi, 'read'>, { gateways }: Topology): Promise<readonly string[]> {
  const found = await Promise.all(
    gateways.map((name) =>
      api.read({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: systemNamespace } }),
    ),
  );
  return gateways.filter((_, index) => found[index] !== undefined);
}

/** Waits for the gateways to be available; they need istiod first. */
export async function waitForGateways(
  api: ClusterApi,
  {
    gateways,
    ...options
  }: { readonly within: number; readonly signal?: AbortSignal | undefined; readonly gateways: readonly string[] },
): Promise<void> {
  await Promise.all(
    gateways.map((name) => api.waitForDeployment(systemNamespace, name, { ...options, code: 'MP604' })),
  );
}

/**
 * Whether a mesh has an egress gateway at all: its topology may know none, and clusters that the user owns may not have
 * it.
 */
export async function hasEgressGateway(
  api: Pick<ClusterApi, 'read'>,
  { egressGateway }: Pick<Topology, 'egressGateway'>,
): Promise<boolean> {
  if (egressGateway === undefined) return false;
  const metadata = { name: egressGateway, namespace: systemNamespace };
  return (await api.read({ apiVersion: 'v1', kind: 'Service', metadata })) !== undefined;
}

/** An address of a gateway as peers reach it: what its Service says, or what the platform gave. */
export interface GatewayAddress {
  readonly address: string;
  readonly kind: 'ip' | 'hostname';
  /** Where nobody gives its Service an address of its own: the node ports at the address of a node. */
  readonly nodePorts?: { readonly tls: number; readonly health?: number | undefined } | undefined;
}

/**
 * Where peers reach a gateway: at its LoadBalancer address, or, where its Service asks for none, at a node's address
 * and the node port of 15443 (walkthrough: the NodePort tip).
 *
 * @param gateway name of its Service, as the topology has it
 * @throws MeshproofError MP604 with the service's state, for one that asks for an address and is given none in time.
 */
export async function reachedAt(
  api: ClusterApi,
  gateway: string,
  options: { readonly within: number; readonly signal?: AbortSignal | undefined },
): Promise<GatewayAddress> {
  const there = { namespace: systemNamespace, name: gateway };
  const service = await api.read({ apiVersion: 'v1', kind: 'Service', metadata: there });
  const { type, ports } = nodePortsSchema.parse(service?.spec ?? {});
  const portOf = (number: number): number | undefined => ports.find(({ port }) => port === number)?.nodePort;
  const tls = portOf(eastWestPort);
  if (type !== 'NodePort' || tls === undefined) return await gatewayAddress(api, gateway, options);
  const { items: nodes } = await api.core.listNode();
  const address = nodes[0]?.status?.addresses?.find((one) => one.type === 'InternalIP')?.address ?? '';
  return { address, kind: 'ip', nodePorts: { tls, health: portOf(healthPort) } };
}

const nodePortsSchema = z.looseObject({
  type: z.string().optional(),
  ports: z.array(z.looseObject({ port: z.number(), nodePort: z.number().optional() })).default([]),
});

/**
 * Waits for the LoadBalancer address of the gateway that peers call (walkthrough: `CLUSTER2_GW_ADDR`).
 *
 * @param gateway name of its Service, as the topology has it
 * @param options `hadOne` where it had an address before: a load balancer that can give it one again does so in seconds
 * @throws MeshproofError MP604, or `code`, with the service's state.
 */
export async function gatewayAddress(
  api: ClusterApi,
  gateway: string,
  {
    hadOne = false,
    ...options
  }: {
    readonly within: number;
    readonly signal?: AbortSignal | undefined;
    readonly code?: 'MP701';
    readonly hadOne?: boolean;
  },
): Promise<GatewayAddress> {
  const pending = new Stuck();
  return await waitFor<GatewayAddress>({
    name: `${gateway} of ${api.address.name} has a LoadBalancer address`,
    where: `cluster ${api.address.name}`,
    code: 'MP604',
    ...options,
    ...(hadOne ? { settled: () => Promise.resolve(pending.for >= 2 * patience) } : {}),
    look: async () => {
      const { status, spec } = await api.core.readNamespacedService({
        namespace: systemNamespace,
        name: gateway,
      });
      const given = status?.loadBalancer?.ingress?.[0];
      if (given?.ip !== undefined) return holds({ address: given.ip, kind: 'ip' });
      if (given?.hostname !== undefined) return holds({ address: given.hostname, kind: 'hostname' });
      pending.see('no address');
      return notYet(`type ${spec?.type ?? 'unknown'}, address pending`);
    },
    tolerates: isAbsent,
  });
}
