import { z } from 'zod';
import type { ClusterAddress } from '../cluster/cluster-address.ts';
import { curl } from '../probe/curl.ts';
import type { PodContainer } from '../probe/pod.ts';
import type { Pushes } from '../probe/barrier.ts';
import { ask } from '../tape/tape.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { askIstiods } from './istiods.ts';
import type { GatewayAddress } from './install.ts';
import { eastWestPort, healthPort, systemNamespace } from './operator.ts';

interface Waiting {
  readonly within: number;
  readonly signal?: AbortSignal | undefined;
}

/** One proxy in istiod's `/debug/syncz`: what was sent, and what the proxy acknowledged. */
const syncSchema = z.array(
  z.looseObject({
    proxy: z.string().optional(),
    cluster_sent: z.string().optional(),
    cluster_acked: z.string().optional(),
    listener_sent: z.string().optional(),
    listener_acked: z.string().optional(),
    endpoint_sent: z.string().optional(),
    endpoint_acked: z.string().optional(),
    route_sent: z.string().optional(),
    route_acked: z.string().optional(),
    /** By the URL of its type, since Istio 1.24: also types that have no field of their own. */
    resources: z
      .record(z.string(), z.looseObject({ sent: z.string().optional(), acked: z.string().optional() }))
      .optional(),
  }),
);
export type ProxySync = z.infer<typeof syncSchema>[number];

const xdsTypes = ['cluster', 'listener', 'endpoint', 'route'] as const;

/** Types without a field of their own: what the sidecar answers names from, and configuration of single filters. */
const otherTypes: readonly (readonly [type: string, url: RegExp])[] = [
  ['name table', /\.NameTable$/],
  ['extension config', /\.TypedExtensionConfig$/],
];

/** Each xDS type that a proxy was sent, with the nonces of the last push and of the last one that it acknowledged. */
function noncesOf(sync: ProxySync): { readonly type: string; readonly sent: string; readonly acked: string }[] {
  const resources = Object.entries(sync.resources ?? {});
  return [
    ...xdsTypes.map((type) => ({ type, sent: sync[`${type}_sent`] ?? '', acked: sync[`${type}_acked`] ?? '' })),
    ...otherTypes.flatMap(([type, url]) => {
      const found = resources.find(([name]) => url.test(name))?.[1];
      return found === undefined ? [] : [{ type, sent: found.sent ?? '', acked: found.acked ?? '' }];
    }),
  ];
}

/** The xDS types of which this proxy has not acknowledged the last push. */
export const unacknowledged = (sync: ProxySync): string[] =>
  noncesOf(sync).flatMap(({ type, sent, acked }) => (sent === acked ? [] : [type]));

/**
 * What istiod knows of one proxy: the push version of each xDS type that it sent, of each that was acknowledged, and
 * what is outstanding.
 */
export function pushesOf(sync: ProxySync): Pushes {
  // A nonce is the push version and a UUID behind it (istio: pilot/pkg/xds/ads.go, nonce).
  const versions = (which: 'sent' | 'acked'): Readonly<Record<string, string>> =>
    Object.fromEntries(
      noncesOf(sync).flatMap(({ type, [which]: nonce }) => {
        return nonce === '' ? [] : [[type, nonce.slice(0, -36)] as const];
      }),
    );
  return { versions: versions('sent'), acknowledged: versions('acked'), unacknowledged: unacknowledged(sync) };
}

/**
 * Waits until the gateways are connected to istiod and every connected proxy has acknowledged every push: the control
 * plane's own view.
 *
 * @throws MeshproofError MP604 that names the proxies which lag, and with what.
 */
export async function waitForProxiesSynced(
  kubectl: string,
  cluster: ClusterAddress,
  { gateways, ...options }: Waiting & { readonly gateways: readonly string[] },
): Promise<void> {
  await waitFor({
    name: `all proxies of ${cluster.name} have acknowledged their configuration`,
    where: `cluster ${cluster.name}`,
    code: 'MP604',
    every: 300,
    ...options,
    look: async () => {
      const proxies = await proxySyncs(kubectl, cluster);
      const names = proxies.map(({ proxy = '' }) => proxy);
      const missing = gateways.filter((gateway) => !names.some((name) => name.startsWith(gateway)));
      if (missing.length > 0) return notYet(`not connected: ${missing.join(', ')}`);
      const lagging = proxies.filter((proxy) => unacknowledged(proxy).length > 0);
      return lagging.length === 0
        ? holds(undefined)
        : notYet(lagging.map((proxy) => `${proxy.proxy ?? ''}: ${unacknowledged(proxy).join(', ')}`).join('; '));
    },
    tolerates: (error) => error instanceof MeshproofError && error.code === 'MP702',
  });
}

/** What the istiods of a cluster know of every proxy that is connected to one of them. */
export async function proxySyncs(kubectl: string, cluster: ClusterAddress): Promise<ProxySync[]> {
  // As istiod said it: a replay reads it again.
  return syncSchema.parse(
    await ask(`istiod of ${cluster.name}: /debug/syncz`, async () =>
      (await askIstiods(kubectl, cluster, '/debug/syncz')).flatMap(listedIn),
    ),
  );
}

/** The proxies that one page lists, whatever it says of them. */
function listedIn(page: string): unknown[] {
  const start = page.indexOf('[');
  return start < 0 ? [] : z.array(z.unknown()).parse(JSON.parse(page.slice(start)));
}

/**
 * Waits until a cluster reaches its peer's gateway: the health port answers 200 and port 15443 accepts a connection,
 * both over the LoadBalancer address (walkthrough: "Prerequisites"), or over node ports where it has none. A health
 * port that no node port leads to is not called.
 *
 * @param gateway of the cluster that calls: it is called from there
 * @throws MeshproofError MP506 with what curl saw.
 */
export async function waitForGatewayReachable(
  kubectl: string,
  from: ClusterAddress,
  peer: { readonly name: string } & Pick<GatewayAddress, 'address' | 'nodePorts'>,
  { gateway, ...options }: Waiting & { readonly gateway: string },
): Promise<void> {
  const client = systemDeployment(from, gateway, 'istio-proxy');
  const { tls, health: healthAt } = peer.nodePorts ?? { tls: eastWestPort, health: healthPort };
  await waitFor({
    name: `${from.name} reaches the gateway of ${peer.name} at ${peer.address}`,
    where: `cluster ${from.name} → ${peer.name}`,
    code: 'MP506',
    every: 300,
    ...options,
    look: async () => {
      if (healthAt !== undefined) {
        const at = `http://${peer.address}:${healthAt}/healthz/ready`;
        const health = await curl(kubectl, client, at, { maxSeconds: 3 });
        if (health.status !== 200)
          return notYet(`port ${healthAt}: ${health.exitCode === 0 ? `HTTP ${health.status}` : health.error}`);
      }
      const greeting = await curl(kubectl, client, `https://${peer.address}:${tls}/`, {
        maxSeconds: 3,
        insecure: true,
      });
      return connected.has(greeting.exitCode) ? holds(undefined) : notYet(`port ${tls}: ${greeting.error}`);
    },
  });
}

/**
 * curl's exit codes that mean a connection: 35, 52 and 56 are the gateway's refusal of a handshake without a known
 * SNI.
 */
const connected = new Set([0, 35, 52, 56]);

/** A pod of a deployment of the mesh itself. */
export function systemDeployment(cluster: ClusterAddress, deployment: string, container: string): PodContainer {
  return {
    cluster: cluster.name,
    kubeconfig: cluster.kubeconfig,
    context: cluster.context,
    namespace: systemNamespace,
    pod: `deploy/${deployment}`,
    container,
  };
}
