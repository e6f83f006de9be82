import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { runProgram } from '../process/run-program.ts';
import type { Progress } from '../progress/progress.ts';
import type { Docker } from '../toolchain/docker.ts';
import type { ImageSet } from '../toolchain/images/image-set.ts';
import { checkPools, computePools, poolRange, type AddressPool, type ClusterNetwork } from './address-pool.ts';
import { ClusterApi, type ClusterAddress } from './cluster-api.ts';
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
  /**
   * Name server that the clusters forward foreign names to; the engine's own by default. Where there is no outside, an address at which nobody
   * listens makes such names fail at once instead of after seconds.
   */
  readonly nameServer?: string | undefined;
  readonly pools?: Readonly<Record<string, AddressPool>> | undefined;
}

/** Where a node finds the resolv.conf that it hands to pods. */
const inNode = '/kind/resolv.conf';

/** kind clusters on one Docker network, with MetalLB. */
export class KindProvider implements ClusterProvider {
  readonly kind = 'kind';
  readonly offers = { loadBalancer: true, ownsMesh: true };
  readonly #options: KindOptions;

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
    if (pools !== undefined) checkPools(pools, await this.network());
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
    const { images, clusters, pools } = this.#options;
    const network = await this.network();
    const chosen = pools ?? computePools(clusters, network);
    // Once more, now that the nodes have their addresses.
    checkPools(chosen, network);
    const pool = chosen[cluster.name];
    if (pool === undefined)
      throw new MeshproofError('MP502', {
        what: `no address pool for cluster ${cluster.name}`,
        expected: 'one pool for each cluster',
      });
    await installMetalLB(new ClusterApi(cluster), { images, range: poolRange(pool), signal });
  }

  /** The Docker network that all kind clusters share, with the addresses taken on it. */
  async network(): Promise<ClusterNetwork> {
    const { docker } = this.#options;
    const { stdout } = await docker.run(
      ['network', 'inspect', 'kind', '--format', '{{json .IPAM.Config}}\n{{json .Containers}}'],
      { purpose: 'look at the network of the clusters', code: 'MP502' },
    );
    const [configs = '[]', containers = '{}'] = stdout.split('\n');
    const subnets = JSON.parse(configs) as readonly { Subnet: string; Gateway?: string }[];
    const v4 = subnets.find(({ Subnet }) => !Subnet.includes(':'));
    if (v4 === undefined)
      throw new MeshproofError('MP502', { what: 'the Docker network kind has no IPv4 subnet', seen: configs });
    const addresses = Object.values(JSON.parse(containers) as Record<string, { IPv4Address: string }>).map(
      ({ IPv4Address }) => IPv4Address.split('/')[0] ?? '',
    );
    const gateway = v4.Gateway === undefined ? [] : [v4.Gateway];
    return { subnet: v4.Subnet, taken: [...gateway, ...addresses].filter((address) => address !== '') };
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
    const resolvConf = await this.#resolvConf();
    const kubelet = {
      kind: 'KubeletConfiguration',
      ...(resolvConf === undefined ? {} : { resolvConf: inNode }),
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
      nodes: [
        {
          role: 'control-plane',
          ...(resolvConf === undefined
            ? {}
            : { extraMounts: [{ hostPath: resolvConf, containerPath: inNode, readOnly: true }] }),
        },
      ],
      kubeadmConfigPatches: Object.keys(kubelet).length > 1 ? [stringify(kubelet)] : [],
    };
  }

  /** A resolv.conf for pods, where the engine's own will not do. */
  async #resolvConf(): Promise<string | undefined> {
    const { nameServer, folder } = this.#options;
    if (nameServer === undefined) return undefined;
    const file = join(folder, 'resolv.conf');
    await writeFile(file, `nameserver ${nameServer}\n`);
    return file;
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
