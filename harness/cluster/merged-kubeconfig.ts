import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { ClusterAddress } from './cluster-address.ts';

const entry = z.record(z.string(), z.unknown());
const kubeconfigSchema = z.object({
  contexts: z.array(z.object({ name: z.string(), context: entry })),
  clusters: z.array(z.object({ name: z.string(), cluster: entry })),
  users: z.array(z.object({ name: z.string(), user: entry })).nullish(),
});

/** A kubeconfig as kubectl reads it. */
export interface Kubeconfig {
  readonly apiVersion: 'v1';
  readonly kind: 'Config';
  readonly 'current-context': string;
  readonly contexts: readonly { readonly name: string; readonly context: Readonly<Record<string, unknown>> }[];
  readonly clusters: readonly { readonly name: string; readonly cluster: Readonly<Record<string, unknown>> }[];
  readonly users: readonly { readonly name: string; readonly user: Readonly<Record<string, unknown>> }[];
}

/**
 * One kubeconfig for several clusters, whose contexts are named like the clusters; the first is the current one. Of
 * each file only the entries of the cluster's own context are taken, with all that they say (exec plugins, proxies, a
 * default namespace).
 *
 * @throws MeshproofError MP504 when a file cannot be read, or lacks the context or what that refers to.
 */
export async function mergeKubeconfigs(addresses: readonly ClusterAddress[]): Promise<Kubeconfig> {
  const merged = await Promise.all(addresses.map(entriesOf));
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': addresses[0]?.name ?? '',
    contexts: merged.map(({ name, context }) => ({ name, context })),
    clusters: merged.map(({ name, cluster }) => ({ name, cluster })),
    users: merged.map(({ name, user }) => ({ name, user })),
  };
}

async function entriesOf({ name, kubeconfig, context }: ClusterAddress): Promise<{
  readonly name: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly cluster: Readonly<Record<string, unknown>>;
  readonly user: Readonly<Record<string, unknown>>;
}> {
  const refused = (what: string, cause?: unknown): MeshproofError =>
    new MeshproofError('MP504', {
      what: `${what} for cluster ${name}`,
      where: kubeconfig,
      seen: cause instanceof Error ? cause.message : undefined,
      cause,
    });
  const text = await readFile(kubeconfig, 'utf8').catch((cause: unknown) => {
    throw refused('the kubeconfig cannot be read', cause);
  });
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken !== undefined) throw refused('the kubeconfig is not valid YAML', broken);
  const read = kubeconfigSchema.safeParse(document.toJS());
  if (!read.success) throw refused('the kubeconfig is not one that kubectl reads', read.error);
  const { contexts, clusters, users } = read.data;
  const wanted = contexts.find((one) => one.name === context)?.context;
  if (wanted === undefined) throw refused(`no context ${context}`);
  const cluster = clusters.find((one) => one.name === wanted['cluster'])?.cluster;
  if (cluster === undefined) throw refused(`context ${context} names a cluster that is not there`);
  // A context without a user is valid: the API server then sees nobody.
  const user = users?.find((one) => one.name === wanted['user'])?.user ?? {};
  const folder = dirname(resolve(kubeconfig));
  return {
    name,
    context: { ...wanted, cluster: name, user: name },
    cluster: atHome(cluster, ['certificate-authority'], folder),
    user: withPlugin(atHome(user, ['client-certificate', 'client-key', 'tokenFile'], folder), folder),
  };
}

/** Relative paths in a kubeconfig start at its own folder, so they become absolute where it is read from elsewhere. */
function atHome(
  values: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  folder: string,
): Readonly<Record<string, unknown>> {
  const paths: Record<string, string> = {};
  for (const key of keys) {
    const path = values[key];
    if (typeof path === 'string' && path !== '') paths[key] = resolve(folder, path);
  }
  return { ...values, ...paths };
}

/** kubectl looks for a plugin along the PATH unless its name has a slash; then it is a path like the others. */
function withPlugin(user: Readonly<Record<string, unknown>>, folder: string): Readonly<Record<string, unknown>> {
  const plugin = entry.safeParse(user['exec']).data;
  const command = plugin?.['command'];
  if (typeof command !== 'string' || !command.includes('/')) return user;
  return { ...user, exec: atHome(plugin ?? {}, ['command'], folder) };
}
