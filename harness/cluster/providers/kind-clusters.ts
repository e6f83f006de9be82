import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { runProgram } from '../../process/run-program.ts';
import type { Progress, Say } from '../../progress/progress.ts';
import type { Docker } from '../../toolchain/docker.ts';
import type { ImageSet } from '../../toolchain/images/image-set.ts';
import { refusingResolver } from '../../toolchain/images/refusing-resolver.ts';
import { addressesOf, checkPools, computePools, poolRange, type AddressPool } from '../address-pool.ts';
import type { ClusterAddress } from '../cluster-address.ts';
import { ClusterApi } from '../cluster-api.ts';
import { answeringAddresses, readKindNetwork } from '../kind-network.ts';
import { ownContainerLabel } from '../labels.ts';
import { installMetalLB } from '../metallb.ts';
import { cgroupFormat, kubeletConfig } from './kubelet-config.ts';
import type { Making, Provider, ProviderContext } from './provider.ts';

/**
 * A cluster that lives as long as a run, with one of everything, need not be safe from a power cut, nor elect a leader:
 * the elections alone write to its etcd every second.
 */
const forThisRunOnly = {
  kind: 'ClusterConfiguration',
  etcd: { local: { extraArgs: { 'unsafe-no-fsync': 'true' } } },
  controllerManager: { extraArgs: { 'leader-elect': 'false' } },
  scheduler: { extraArgs: { 'leader-elect': 'false' } },
};

/** Milliseconds to create one cluster. All are created side by side and share the machine, so their times add up. */
const createWithinEach = 90_000;

/** kind clusters on one Docker network, with MetalLB. */
export class KindClusters implements Provider {
  readonly #context: ProviderContext;
  readonly #docker: Docker;
  /** Path of the kind program. */
  readonly #program: string;
  /** Chosen once for all clusters, when the network is there. */
  #chosen: Promise<Readonly<Record<string, AddressPool>>> | undefined;

  /** @throws MeshproofError MP201 without an engine. */
  constructor(context: ProviderContext) {
    const { tools } = context;
    if (tools === undefined) throw new MeshproofError('MP201', { what: 'kind makes clusters of containers' });
    this.#context = context;
    this.#docker = tools.docker;
    this.#program = tools.program;
  }

  get owner(): string {
    return this.#context.owner;
  }

  get addresses(): readonly ClusterAddress[] {
    return this.#context.clusters.map((cluster) => this.#address(cluster));
  }

  async check(): Promise<void> {
    const { name: prefix, clusters, pools } = this.#context;
    const existing = new Set(await this.#existing());
    const used = clusters.map((cluster) => `${prefix}-${cluster}`).filter((name) => existing.has(name));
    if (used.length > 0) {
      throw new MeshproofError('MP501', {
        what: `kind already has ${used.join(' and ')}`,
        expected: 'names that nobody uses',
        seen: [...existing].join(', '),
      });
    }
    if (pools === undefined) return;
    // On a Docker that never ran kind there is nothing to check them against yet; that is done once kind has made the
    // network.
    const network = await readKindNetwork(this.#docker);
    if (network !== undefined) checkPools(pools, network);
  }

  async create(making: Making, progress: Progress): Promise<ClusterAddress[]> {
    const tasks = this.#context.clusters.map((cluster) => ({
      title: cluster,
      run: (say: Say, signal: AbortSignal) => this.#create(cluster, say, { ...making, signal }),
    }));
    await progress.group('clusters', tasks, { signal: making.signal });
    return [...this.addresses];
  }

  #address(cluster: string): ClusterAddress {
    const { name, folder, owner } = this.#context;
    return {
      name: cluster,
      kubeconfig: join(folder, `kubeconfig-${cluster}.yaml`),
      context: `kind-${name}-${cluster}`,
      owner,
    };
  }

  async startLoadBalancer(cluster: ClusterAddress, { images, signal }: Making): Promise<void> {
    this.#chosen ??= this.#choosePools(images, signal);
    const pool = (await this.#chosen)[cluster.name];
    if (pool === undefined)
      throw new MeshproofError('MP502', {
        what: `no address pool for cluster ${cluster.name}`,
        expected: 'one pool for each cluster',
      });
    await installMetalLB(new ClusterApi(cluster), { images, range: poolRange(pool), signal });
  }

  /**
   * The user's pools or computed ones, free by what Docker knows and by who answers there: load balancers' addresses of
   * other clusters are known to their own speakers only.
   */
  async #choosePools(images: ImageSet, signal: AbortSignal): Promise<Readonly<Record<string, AddressPool>>> {
    const { clusters, pools, name: prefix } = this.#context;
    const docker = this.#docker;
    const network = await readKindNetwork(docker);
    if (network === undefined)
      throw new MeshproofError('MP502', { what: 'there is no Docker network kind, though there are kind clusters' });
    const taken = [...network.taken];
    for (let attempt = 1; ; attempt += 1) {
      const known = { subnet: network.subnet, taken };
      const chosen = pools ?? computePools(clusters, known, { owner: prefix });
      checkPools(chosen, known);
      const answering = await answeringAddresses(docker, addressesOf(chosen), { image: images.node, signal });
      if (answering.length === 0) return chosen;
      taken.push(...answering);
      // Computed ones step over what was heard; those of the user, and a network full of strangers, are told.
      if (pools !== undefined || attempt === 5) {
        checkPools(chosen, { subnet: network.subnet, taken });
      }
    }
  }

  async destroy(): Promise<string[]> {
    const existing = await this.#existing();
    const ours = this.#context.clusters.filter((cluster) => existing.includes(this.#kindName(cluster)));
    const beside = ['ps', '--all', '--quiet', '--filter', `label=${ownContainerLabel(this.#context.name)}`];
    const { stdout: clients } = await this.#docker.run(beside, { purpose: 'look for left-over clients' });
    if (clients.trim() !== '')
      await this.#docker.run(['rm', '--force', ...clients.trim().split('\n')], { purpose: 'remove left-over clients' });
    await Promise.all(
      ours.map((cluster) => {
        // Without a kubeconfig of its own kind would edit the user's.
        const { kubeconfig } = this.#address(cluster);
        const args = ['delete', 'cluster', '--name', this.#kindName(cluster), '--kubeconfig', kubeconfig];
        return this.#kind(args, `delete cluster ${cluster}`);
      }),
    );
    return ours.map((cluster) => `kind cluster ${this.#kindName(cluster)}`);
  }

  /** The cluster's name as kind knows it: meshproof-west. */
  #kindName(cluster: string): string {
    return `${this.#context.name}-${cluster}`;
  }

  async #existing(): Promise<string[]> {
    const { stdout } = await this.#kind(['get', 'clusters', '--quiet'], 'list kind clusters');
    return stdout.split('\n').filter((line) => line !== '');
  }

  async #create(cluster: string, say: Say, { images, evidence, signal }: Making): Promise<void> {
    const { folder } = this.#context;
    const name = this.#kindName(cluster);
    const log = join(evidence, cluster, 'kind-create.log');
    await mkdir(folder, { recursive: true });
    try {
      await runProgram({
        program: this.#program,
        args: [
          'create',
          'cluster',
          '--name',
          name,
          '--config',
          '-',
          '--image',
          images.node,
          '--kubeconfig',
          this.#address(cluster).kubeconfig,
          '--wait',
          '0s',
          '--retain',
        ],
        env: this.#docker.environment,
        input: stringify(await this.#config(images)),
        purpose: `create cluster ${cluster}`,
        code: 'MP503',
        where: `cluster ${cluster}`,
        timeout: createWithinEach * Math.max(2, this.#context.clusters.length),
        signal,
        log,
        onLine: (line) => {
          say(line.trim());
        },
      });
    } catch (error) {
      // The nodes are still there (--retain), so their logs can be had; that they cannot be exported must not hide why
      // creation failed.
      await this.#kind(
        ['export', 'logs', '--name', name, join(evidence, cluster, 'kind-logs')],
        'export the logs',
      ).catch(() => undefined);
      throw error;
    }
  }

  async #config(images: ImageSet): Promise<unknown> {
    const { stdout } = await this.#docker.run(['info', '--format', cgroupFormat], {
      code: 'MP503',
    });
    const kubelet = { ...kubeletConfig(stdout), resolvConf: refusingResolver.path };
    return {
      kind: 'Cluster',
      apiVersion: 'kind.x-k8s.io/v1alpha4',
      networking: {
        ipFamily: 'ipv4',
        ...(images.ownNode ? { disableDefaultCNI: true, podSubnet: '10.244.0.0/16' } : {}),
      },
      nodes: [{ role: 'control-plane' }],
      kubeadmConfigPatches: [stringify(kubelet), stringify(forThisRunOnly)],
    };
  }

  async #kind(args: readonly string[], purpose: string): Promise<{ stdout: string }> {
    return await runProgram({
      program: this.#program,
      args,
      env: this.#docker.environment,
      purpose,
      code: 'MP503',
      timeout: 120_000,
    });
  }
}
