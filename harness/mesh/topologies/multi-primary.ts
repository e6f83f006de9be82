import { clusterFlags } from '../../process/cluster-flags.ts';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { ClusterAddress } from '../../cluster/cluster-address.ts';
import type { ClusterApi } from '../../cluster/cluster-api.ts';
import type { KubernetesObject } from '../../cluster/kubernetes-object.ts';
import { execInPod } from '../../probe/pod.ts';
import { runProgram } from '../../process/run-program.ts';
import { holds, notYet, waitFor } from '../../wait/wait-for.ts';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { istioOperator, systemNamespace } from '../operator.ts';
import { systemDeployment } from '../readiness.ts';
import { eastWestGateway } from '../services.ts';
import { pathThroughGateways } from './path.ts';
import type { Connecting, Topology } from './topology.ts';

const networkLabel = 'topology.istio.io/network';
const networkOf = (cluster: string): string => `net-${cluster}`;

/**
 * Multi-primary on several networks: every control plane reads the services of all clusters, and what is not in its own
 * network is reached through that network's gateway on 15443.
 */
export const multiPrimary: Topology = {
  gateways: ['istio-ingressgateway'],
  ingressGateway: 'istio-ingressgateway',
  clientAnnotations: {},
  operator: (options) => {
    const network = networkOf(options.cluster);
    return istioOperator(options, {
      network,
      egressGateway: false,
      ingress: {
        label: { app: 'istio-ingressgateway', istio: 'ingressgateway', [networkLabel]: network },
        env: [
          // Gateways are not injected, so nobody else tells them where they are: without it they take every endpoint
          // for a remote one, their own service included, and a call goes round in a loop.
          { name: 'ISTIO_META_NETWORK', value: network },
          // Without it a gateway sends half of what arrives back to the peer (a hairpin), and the caller sees 200 all
          // the same.
          { name: 'ISTIO_META_REQUESTED_NETWORK_VIEW', value: network },
        ],
      },
    });
  },
  systemLabels: (cluster) => ({ [networkLabel]: networkOf(cluster) }),
  objects: () => [eastWestGateway('cross-network-gateway', { istio: 'ingressgateway' }, ['*.local'], systemNamespace)],
  connect: async (clusters, how) => {
    const secrets = await Promise.all(clusters.map((api) => remoteSecret(api, how)));
    await Promise.all(
      clusters.flatMap((api, index) =>
        secrets.filter((_, of) => of !== index).map((secret) => api.apply(secret, how.signal)),
      ),
    );
  },
  ready: async (clusters, how) => {
    await Promise.all(clusters.map((cluster) => waitForPeers(cluster, clusters, how)));
  },
  path: pathThroughGateways,
};

/**
 * What lets another control plane read the services of a cluster. Its API server is named by the node's address, which
 * other clusters reach.
 */
async function remoteSecret(api: ClusterApi, { programs, within, signal }: Connecting): Promise<KubernetesObject> {
  const { name } = api.address;
  const { items } = await api.core.listNode();
  const address = items[0]?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
  const { stdout } = await runProgram({
    program: programs.istioctl,
    args: ['create-remote-secret', ...clusterFlags(api.address), '--name', name, '--server', `https://${address}:6443`],
    purpose: `make the remote secret of ${name}`,
    code: 'MP611',
    where: `cluster ${name}`,
    timeout: within,
    signal,
  });
  const made = parseAllDocuments(stdout).map((document) => document.toJS() as KubernetesObject | null);
  const secret = made.find((object) => object?.kind === 'Secret');
  if (secret === undefined || secret === null)
    throw new MeshproofError('MP611', { what: `istioctl made no remote secret of ${name}`, where: `cluster ${name}` });
  return secret;
}

/** What istiod says of each cluster that it reads, at `/debug/clusterz`. */
const readSchema = z.array(z.looseObject({ id: z.string(), syncStatus: z.string().optional() }));

async function waitForPeers(
  cluster: ClusterAddress,
  clusters: readonly ClusterAddress[],
  { programs, within, signal }: Connecting,
): Promise<void> {
  await waitFor({
    name: `istiod of ${cluster.name} has read all clusters`,
    where: `cluster ${cluster.name}`,
    code: 'MP604',
    every: 500,
    within,
    signal,
    look: async () => {
      const istiod = systemDeployment(cluster, 'istiod', 'discovery');
      const call = ['pilot-discovery', 'request', 'GET', '/debug/clusterz'];
      const { stdout, stderr, exitCode } = await execInPod(programs.kubectl, istiod, call);
      if (exitCode !== 0) return notYet(stderr);
      const start = stdout.indexOf('[');
      const read = start < 0 ? [] : readSchema.parse(JSON.parse(stdout.slice(start)));
      const missing = clusters.filter(
        ({ name }) => !read.some(({ id, syncStatus }) => id === name && syncStatus === 'synced'),
      );
      if (missing.length === 0) return holds(undefined);
      const seen = read.map(({ id, syncStatus = 'unknown' }) => `${id} ${syncStatus}`).join(', ');
      return notYet(`missing ${missing.map(({ name }) => name).join(', ')}; it says ${seen || 'nothing'}`);
    },
  });
}
