import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { runProgram } from '../process/run-program.ts';
import type { Progress } from '../progress/progress.ts';
import type { Docker } from '../toolchain/docker.ts';
import type { ImageSet } from '../toolchain/images/image-set.ts';
import { refusingResolver } from '../toolchain/images/refusing-resolver.ts';
import { addressesOf, checkPools, computePools, poolRange, type AddressPool } from './address-pool.ts';
import { ClusterApi, type ClusterAddress } from './cluster-api.ts';
import { answeringAddresses, readKindNetwork } from './kind-network.ts';
import { installMetalLB } from './metallb.ts';
import type { ClusterProvider } from './provider.ts';

export interface KindOptions {
  /** Prefix of the clusters' names as kind knows them: meshproof → meshproof-west. */
  readonly prefix: string;
  readonly clusters: readonly string[];
  readonly docker: Docker;
  /** Path of the kind program. */
  readonly kind: string;
  readonly images: ImageSet;
  /** Where kubeconfigs go. */
  readonly folder: string;
  /** Id that what is made in the clusters carries. */
  readonly owner: string;
  /** Where logs of a failed creation go. */
  readonly evidence: string;
  readonly pools?: Readonly<Record<string, AddressPool>> | undefined;
}

/** kind clusters on one Docker network, with MetalLB. */
export class KindProvider implements ClusterProvider {
  readonly kind = 'kind';
  readonly offers = { loadBalancer: true, ownsMesh: true };
  readonly #options: KindOptions;
  /** Chosen once for all clusters, when the network is there. */
  #chosen: Promise<Readonly<Record<string, AddressPool>>> | undefined;

  constructor(options: KindOptions) {
    this.#options = options;
  }

  async check(): Promise<void> {
    const { prefix, clusters, pools } = this.#options;
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
    // On a Docker that never ran kind there is nothing to check them against yet; that is done once kind has made the network.
    const network = await readKindNetwork(this.#options.docker);
    if (network !== undefined) checkPools(pools, network);
  }

  async provide(progress: Progress, signal: AbortSignal): Promise<ClusterAddress[]> {
    const { clusters } = this.#options;
    await progress.group(
      'clusters',
      clusters.map((cluster) => ({ title: cluster, run: (say, taskSignal) => this.#create(cluster, say, taskSignal) })),
      { signal },
    );
    return clusters.map((cluster) => this.address(cluster));
  }

  address(cluster: string): ClusterAddress {
    const { prefix, folder, owner } = this.#options;
    return {
      name: cluster,
      kubeconfig: join(folder, `kubeconfig-${cluster}.yaml`),
      context: `kind-${prefix}-${cluster}`,
      owner,
    };
  }

  async startLoadBalancer(cluster: ClusterAddress, signal: AbortSignal): Promise<void> {
    const { images } = this.#options;
    this.#chosen ??= this.#choosePools(signal);
    const pool = (await this.#chosen)[cluster.name];
    if (pool === undefined)
      throw new MeshproofError('MP502', {
        what: `no address pool for cluster ${cluster.name}`,
        expected: 'one pool for each cluster',
      });
    await installMetalLB(new ClusterApi(cluster), { images, range: poolRange(pool), signal });
  }

  /**
   * The user's pools or computed ones, free by what Docker knows and by who answers there: load balancers' addresses of other clusters are known to
   * their own speakers only.
   */
  async #choosePools(signal: AbortSignal): Promise<Readonly<Record<string, AddressPool>>> {
    const { docker, images, clusters, pools, prefix } = this.#options;
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

  async #existing(): Promise<string[]> {
    const { stdout } = await this.#kind(['get', 'clusters', '--quiet'], 'list kind clusters');
    return stdout.split('\n').filter((line) => line !== '');
  }

  async #create(cluster: string, say: (text: string) => void, signal: AbortSignal): Promise<void> {
    const { prefix, images, evidence, folder } = this.#options;
    const name = `${prefix}-${cluster}`;
    const log = join(evidence, cluster, 'kind-create.log');
    await mkdir(folder, { recursive: true });
    try {
      await runProgram({
        program: this.#options.kind,
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
          this.address(cluster).kubeconfig,
          '--wait',
          '0s',
          '--retain',
        ],
        env: this.#options.docker.environment,
        input: stringify(await this.#config()),
        purpose: `create cluster ${cluster}`,
        code: 'MP503',
        where: `cluster ${cluster}`,
        timeout: 180_000,
        signal,
        log,
        onLine: (line) => {
          say(line.trim());
        },
      });
    } catch (error) {
      // The nodes are still there (--retain), so their logs can be had; that they cannot be exported must not hide why creation failed.
      await this.#kind(
        ['export', 'logs', '--name', name, join(evidence, cluster, 'kind-logs')],
        'export the logs',
      ).catch(() => undefined);
      throw error;
    }
  }

  async #config(): Promise<unknown> {
    const { docker, images } = this.#options;
    const { stdout } = await docker.run(['info', '--format', '{{.CgroupVersion}} {{.CgroupDriver}}'], {
      code: 'MP503',
    });
    const [cgroup = '2', driver = 'systemd'] = stdout.trim().split(' ');
    const kubelet = {
      kind: 'KubeletConfiguration',
      resolvConf: refusingResolver.path,
      ...(driver === 'cgroupfs' ? { cgroupDriver: 'cgroupfs' } : {}),
      ...(cgroup === '1' ? { failCgroupV1: false } : {}),
    };
    return {
      kind: 'Cluster',
      apiVersion: 'kind.x-k8s.io/v1alpha4',
      networking: {
        ipFamily: 'ipv4',
        ...(images.ownNode ? { disableDefaultCNI: true, podSubnet: '10.244.0.0/16' } : {}),
      },
      nodes: [{ role: 'control-plane' }],
      kubeadmConfigPatches: [stringify(kubelet)],
    };
  }

  async #kind(args: readonly string[], purpose: string): Promise<{ stdout: string }> {
    return await runProgram({
      program: this.#options.kind,
      args,
      env: this.#options.docker.environment,
      purpose,
      code: 'MP503',
      timeout: 120_000,
    });
  }
}
