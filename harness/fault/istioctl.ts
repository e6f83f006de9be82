import { z } from 'zod';
import { clusterFlags } from '../process/cluster-flags.ts';
import { runProgram } from '../process/run-program.ts';
import type { Environment, EnvironmentCluster } from '../scenario/environment.ts';
import type { Fault } from './fault.ts';

/**
 * What another tool says of a fault: the object that is the cause (`right`), nothing that it does not say of a healthy
 * mesh, too (`silent`), or something else (`wrong`).
 */
export const opinionSchema = z.enum(['right', 'silent', 'wrong']);
export type Opinion = z.infer<typeof opinionSchema>;

/** What `istioctl analyze` and `istioctl proxy-status` print of one environment, a line for each thing they say. */
export interface IstioctlWords {
  /** "west Gateway istio-system/gateway: [IST0101] Referenced host not found…". */
  readonly analyze: readonly string[];
  /** "west istio-ingressgateway.istio-system SYNCED SYNCED …", without the age of each state. */
  readonly proxyStatus: readonly string[];
}

const messagesSchema = z
  .array(z.object({ code: z.string(), message: z.string(), origin: z.string().default('') }))
  .nullable()
  .transform((messages) => messages ?? []);

/** `istioctl analyze` ends with this when a message is as bad as its threshold. */
const foundSomething = 79;

/**
 * Asks istioctl about every cluster, as a person would who has nothing else.
 *
 * A program that fails has said nothing of the fault: its last line is kept, since that is what a person would see.
 */
export async function askIstioctl(environment: Environment): Promise<IstioctlWords> {
  const each = await Promise.all(
    environment.clusters.map(async (cluster) => ({
      analyze: await askedOf(environment, cluster, ['analyze', '--all-namespaces', '--output', 'json'], messages),
      proxyStatus: await askedOf(environment, cluster, ['proxy-status'], proxies),
    })),
  );
  return {
    analyze: each.flatMap(({ analyze }) => analyze),
    proxyStatus: each.flatMap(({ proxyStatus }) => proxyStatus),
  };
}

async function askedOf(
  { programs }: Environment,
  cluster: EnvironmentCluster,
  args: readonly string[],
  read: (stdout: string) => string[],
): Promise<string[]> {
  const lines = await runProgram({
    program: programs.istioctl,
    args: [...args, ...clusterFlags(cluster)],
    purpose: `istioctl ${args[0] ?? ''}`,
    code: 'MP903',
    where: `cluster ${cluster.name}`,
    timeout: 30_000,
    answers: [foundSomething],
  }).then(
    ({ stdout }) => read(stdout),
    (error: unknown) => [error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)],
  );
  return lines.map((line) => `${cluster.name} ${line}`);
}

const messages = (stdout: string): string[] =>
  messagesSchema
    .parse(JSON.parse(stdout === '' ? '[]' : stdout))
    .map(({ code, message, origin }) => `${origin}: [${code}] ${message}`);

/** Proxies by their workload, and each state without how long it lasts: both change by themselves. */
export const proxies = (stdout: string): string[] =>
  stdout
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) =>
      line
        .replaceAll(/\([^)]*\)/g, '')
        .replace(/-[a-z0-9]{8,10}-[a-z0-9]{5}(?=\.)/, '')
        .replaceAll(/istiod-[a-z0-9-]+/g, 'istiod')
        .trim()
        .replaceAll(/\s+/g, ' '),
    );

/** What istioctl says of a fault, given what it says of the same mesh without it. */
export function opinionsOf(
  { cause, at }: Pick<Fault, 'cause' | 'at'>,
  clusters: readonly string[],
  healthy: IstioctlWords,
  now: IstioctlWords,
): { readonly analyze: Opinion; readonly proxyStatus: Opinion } {
  const cluster = clusters[at === 'client' ? 0 : 1] ?? '';
  const opinion = (before: readonly string[], after: readonly string[]): Opinion => {
    const said = differences(before, after);
    if (said.length === 0) return 'silent';
    const right = said.some((line) => line.startsWith(`${cluster} `) && cause.some((object) => names(line, object)));
    return right ? 'right' : 'wrong';
  };
  return {
    analyze: opinion(healthy.analyze, now.analyze),
    proxyStatus: opinion(healthy.proxyStatus, now.proxyStatus),
  };
}

/** Lines that one of two answers has, and the other has not. */
function differences(before: readonly string[], after: readonly string[]): string[] {
  const [was, is] = [new Set(before), new Set(after)];
  return [...after.filter((line) => !was.has(line)), ...before.filter((line) => !is.has(line))];
}

/** Whether a line names an object, as "Gateway istio-system/x", or as the proxy "x.istio-system". */
function names(line: string, object: string): boolean {
  const [kind = '', path = ''] = object.split(' ');
  const [namespace = '', name = ''] = path.includes('/') ? path.split('/') : ['', path];
  if (line.includes(`${kind} ${path}`) || line.includes(`${kind} ${name}.${namespace}`)) return true;
  return kind === 'Deployment' && line.includes(`${name}.${namespace}`);
}
