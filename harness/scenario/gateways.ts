import type { ClusterApi } from '../cluster/cluster-api.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { gatewayAddress, hasEgressGateway } from '../mesh/install.ts';
import { eastWestPort, systemNamespace } from '../mesh/operator.ts';
import { topologyNamed } from '../mesh/topologies/registry.ts';
import type { Topology } from '../mesh/topologies/topology.ts';
import { ask } from '../tape/tape.ts';
import type { ClusterPods } from './cluster-pods.ts';
import { readyWithin, type MeshClusterOptions } from './mesh-cluster-options.ts';
import { isServing, readyPod } from './ready-pod.ts';
import { serviceAddress } from './service-address.ts';
import type { Gateway } from './workload.ts';

/** The gateways of one cluster, by the names that its topology gives them. */
export class Gateways {
  readonly #api: ClusterApi;
  readonly #pods: ClusterPods;
  readonly #options: MeshClusterOptions;

  constructor(api: ClusterApi, pods: ClusterPods, options: MeshClusterOptions) {
    this.#api = api;
    this.#pods = pods;
    this.#options = options;
  }

  /**
   * The gateway that peers call (walkthrough: `CLUSTER2_GW_ADDR`, port 15443). For a scenario that needs no load
   * balancer its address is "" where none was given.
   */
  async ingress(): Promise<Gateway> {
    const { cluster, journal } = this.#options;
    const { ingressGateway } = this.#topology;
    const address = await this.#addressOf(ingressGateway);
    journal.note({
      cluster: cluster.name,
      command:
        `kubectl get --context=${cluster.name} -n ${systemNamespace} svc ${ingressGateway} ` +
        "-o jsonpath='{.status.loadBalancer.ingress[0]}'",
      output: address,
    });
    return await this.#gateway(ingressGateway, address);
  }

  /**
   * The gateway through which traffic leaves, by its cluster IP (walkthrough: `CLUSTER1_EGW_ADDR`).
   *
   * @throws MeshproofError MP708 in a topology that has none.
   */
  async egress(): Promise<Gateway & { readonly hostname: string }> {
    const { egressGateway } = this.#topology;
    if (egressGateway === undefined)
      throw new MeshproofError('MP708', { what: 'needs an egress gateway, which this topology does not have' });
    const { address, hostname } = await serviceAddress(this.#api, this.#options, systemNamespace, egressGateway);
    return { ...(await this.#gateway(egressGateway, address)), hostname };
  }

  /** Whether the mesh has an egress gateway at all: on clusters that the user owns it may not. */
  async hasEgress(): Promise<boolean> {
    return await hasEgressGateway(this.#api, this.#topology);
  }

  /**
   * Where the ingress gateway answers without a load balancer: a node's address and the node port of 15443
   * (walkthrough: the NodePort tip).
   */
  async nodePort(): Promise<{ readonly address: string; readonly port: number }> {
    const [{ items: nodes }, { spec }] = await Promise.all([
      this.#api.core.listNode(),
      this.#api.core.readNamespacedService({ namespace: systemNamespace, name: this.#topology.ingressGateway }),
    ]);
    const address = nodes[0]?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
    const port = spec?.ports?.find(({ port: offered }) => offered === eastWestPort)?.nodePort;
    // It comes with the Service: there is nothing to wait for.
    if (port === undefined || port === 0)
      throw new MeshproofError('MP701', {
        what: `Service ${systemNamespace}/${this.#topology.ingressGateway} has no node port for ${eastWestPort}`,
        where: `cluster ${this.#options.cluster.name}`,
        expected: `a node port for ${eastWestPort}`,
        seen: (spec?.ports ?? []).map(({ port: one, nodePort }) => `${one} → ${nodePort ?? 'none'}`).join(', '),
      });
    return { address, port };
  }

  async #addressOf(gateway: string): Promise<string> {
    const { signal, needs, cluster } = this.#options;
    // The mesh was ready, and whoever takes it away waits for the address when it is back. A cloud may take longer.
    const how = { within: readyWithin, signal, code: 'MP701', hadOne: cluster.foreign !== true } as const;
    if (needs.loadBalancer !== false) return (await gatewayAddress(this.#api, gateway, how)).address;
    const { status } = await this.#api.core.readNamespacedService({ namespace: systemNamespace, name: gateway });
    const [given] = status?.loadBalancer?.ingress ?? [];
    return given?.ip ?? given?.hostname ?? '';
  }

  /** Names of the gateway’s pods that are ready, beside one of them. */
  async #othersThan(pod: string, app: string): Promise<string[]> {
    const look = async (): Promise<string[]> => {
      const pods = { namespace: systemNamespace, labelSelector: `app=${app}` };
      const { items } = await this.#api.core.listNamespacedPod(pods);
      return items
        .filter(isServing)
        .map(({ metadata }) => metadata?.name ?? '')
        .filter((name) => name !== pod);
    };
    // Runs that were recorded before looked at one pod only.
    return await ask(`other ready pods of ${app} of ${this.#options.cluster.name}`, look, { unasked: [] });
  }

  get #topology(): Topology {
    return topologyNamed(this.#options.environment.topology);
  }

  async #gateway(app: string, address: string): Promise<Gateway> {
    const { name: pod } = await readyPod(this.#api, systemNamespace, `app=${app}`, {
      within: readyWithin,
      signal: this.#options.signal,
    });
    const client = this.#pods.client(this.#pods.container(systemNamespace, pod, 'istio-proxy'));
    const proxy = this.#pods.proxy(systemNamespace, pod);
    return {
      proxy,
      everyProxy: async () => [
        proxy,
        ...(await this.#othersThan(pod, app)).map((other) => this.#pods.proxy(systemNamespace, other)),
      ],
      address,
      port: eastWestPort,
      topology: this.#options.environment.topology,
      curl: (url, options) => client.curl(url, options),
    };
  }
}
