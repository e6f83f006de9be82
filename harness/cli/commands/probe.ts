import Table from 'cli-table3';
import type { Command } from 'commander';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { viewOf, type DumpView } from '../../probe/envoy/views.ts';
import { outboundCluster, outboundSni } from '../../mesh/services.ts';
import { brokenHop, describeTrace, nearestTo, traceGateway, traceOutbound, type Hop } from '../../probe/trace.ts';
import type { ConfigDump } from '../../probe/envoy/config-dump.ts';
import { keptEnvironment, standsWhere } from '../kept.ts';
import { tell } from '../tell.ts';

interface ProbeFlags {
  readonly cluster?: string;
  readonly namespace: string;
  readonly file?: string;
  readonly only?: string;
  readonly match?: string;
  readonly trace?: string;
  readonly json?: boolean;
}

const sections = ['listeners', 'routes', 'clusters', 'endpoints', 'secrets'] as const;

export function addProbe(program: Command): void {
  program
    .command('probe')
    .description(
      'show the actual configuration of a pod’s proxy: listeners, routes, clusters, endpoints and secrets, with ' +
        'SNI and certificate chains',
    )
    .argument('[pod]', 'name of a pod, the beginning of its name, or the name of its app')
    .option(
      '--cluster <name>',
      'cluster of the kept environment (default: the first one with that pod in the namespace)',
    )
    .option('-n, --namespace <name>', 'namespace of the pod', 'foo')
    .option('--file <dump>', 'read a config dump from a file instead')
    .option('--only <sections>', `sections to show, from ${sections.join(', ')}`)
    .option('--match <text>', 'show only rows that contain this text')
    .option('--trace <host:port>', 'trace a call hop by hop through this proxy; exit code 1 if a hop is missing')
    .option('--json', 'write JSON to stdout')
    .action(async (pod: string | undefined, flags: ProbeFlags, command: Command) => {
      const chosen = flags.only?.split(',') ?? [...sections];
      const unknown = chosen.find((one) => !(sections as readonly string[]).includes(one));
      if (unknown !== undefined)
        throw new MeshproofError('MP103', {
          what: `--only has no section ${unknown}`,
          expected: sections.join(', '),
          seen: `nearest: ${nearestTo(unknown, sections)[0] ?? ''}`,
        });
      const found = await find(pod, flags, command);
      if (found === undefined) return;
      const { name, dump } = found;
      if (flags.trace !== undefined) {
        const hops = follow(dump, name, flags.trace);
        if (brokenHop(hops) !== undefined) process.exitCode = 1;
        tell(`${flags.json === true ? JSON.stringify({ proxy: name, hops }) : describeTrace(hops)}\n`);
        return;
      }
      const view = filtered(viewOf(dump), flags.match);
      tell(`${flags.json === true ? JSON.stringify({ proxy: name, ...view }) : render(name, view, chosen)}\n`);
    });
}

/** The dump that was asked for; undefined when this command was run again where the environment lives. */
async function find(
  pod: string | undefined,
  { file, cluster, namespace }: ProbeFlags,
  command: Command,
): Promise<{ readonly name: string; readonly dump: ConfigDump } | undefined> {
  const { dumpOfFile, dumpOfPod } = await import('../../inspect/probe-pod.ts');
  if (file !== undefined) return await dumpOfFile(file);
  if (pod === undefined) throw new MeshproofError('MP103', { what: 'probe needs a pod, or --file with a dump' });
  const environment = await keptEnvironment(command);
  if (!(await standsWhere(environment))) return undefined;
  const { clusters, programs } = environment;
  const candidates = clusters.filter((one) => cluster === undefined || one.name === cluster);
  if (candidates.length === 0)
    throw new MeshproofError('MP711', {
      what: `no cluster ${cluster ?? ''}`,
      expected: clusters.map((one) => one.name).join(', '),
    });
  for (const [index, candidate] of candidates.entries()) {
    try {
      return await dumpOfPod({ kubectl: programs.kubectl, cluster: candidate, namespace, pod });
    } catch (error) {
      // Without --cluster the next one may have it.
      if (!(error instanceof MeshproofError) || error.code !== 'MP711' || index === candidates.length - 1) throw error;
    }
  }
  return undefined;
}

/** A call through a sidecar, or through a gateway where the listener of the clusters' gateways is. */
function follow(dump: ConfigDump, proxy: string, target: string): Hop[] {
  const [, host = '', port = ''] = /^([\w.-]+):(\d+)$/.exec(target) ?? [];
  if (host === '') throw new MeshproofError('MP103', { what: '--trace takes host:port', seen: target });
  const sni = outboundSni(host, Number(port));
  if (dump.node.startsWith('router~')) return traceGateway(dump, proxy, { port: 15443, sni });
  return traceOutbound(dump, proxy, { host, port: Number(port), sni, cluster: outboundCluster(host, Number(port)) });
}

function filtered(view: DumpView, text: string | undefined): DumpView {
  if (text === undefined) return view;
  const keep = <Row>(rows: readonly Row[]): Row[] => rows.filter((row) => JSON.stringify(row).includes(text));
  return {
    ...view,
    listeners: keep(view.listeners),
    routes: keep(view.routes),
    clusters: keep(view.clusters),
    endpoints: keep(view.endpoints),
    secrets: keep(view.secrets),
  };
}

function render(name: string, view: DumpView, chosen: readonly string[]): string {
  const { listeners, routes, clusters, endpoints, secrets } = view;
  const tables: Readonly<Record<(typeof sections)[number], string>> = {
    listeners: table(
      ['listener', 'at', 'server names', 'leads to'],
      listeners.map(({ listener, at, serverNames, to }) => [listener, at, serverNames.join('\n') || 'any', to]),
    ),
    routes: table(
      ['route config', 'domains', 'match', 'leads to'],
      routes.map(({ config, domains, match, to }) => [
        config,
        domains.slice(0, 4).join('\n') + (domains.length > 4 ? `\n… ${domains.length - 4} more` : ''),
        match,
        to,
      ]),
    ),
    clusters: table(
      ['cluster', 'type', 'transport', 'SNI', 'endpoints'],
      clusters.map(({ cluster, type, transport, sni, endpoints: count }) => [
        cluster,
        type,
        transport,
        sni ?? '',
        String(count),
      ]),
    ),
    endpoints: table(
      ['cluster', 'endpoint', 'health', 'priority'],
      endpoints.map(({ cluster, endpoint, health, priority }) => [cluster, endpoint, health, String(priority)]),
    ),
    secrets: table(
      ['secret', 'certificate', 'issued by', 'until'],
      secrets.flatMap(({ secret, chain }) =>
        chain.map(({ subject, identities, issuer, notAfter }, index) => [
          index === 0 ? secret : '',
          identities.join(', ') || subject,
          issuer,
          notAfter.toISOString().slice(0, 19),
        ]),
      ),
    ),
  };
  const troubles = [
    ...view.warming.map((one) => `still warming: ${one}`),
    ...view.rejections.map((one) => `rejected: ${one}`),
  ];
  return [
    `${name}  (${view.node})`,
    ...troubles,
    ...sections.filter((section) => chosen.includes(section)).map((section) => `\n${section}\n${tables[section]}`),
  ].join('\n');
}

function table(head: string[], rows: string[][]): string {
  if (rows.length === 0) return '  none';
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '  ',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  };
  const made = new Table({ head, chars: none, style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 } });
  made.push(...rows);
  return made.toString().replaceAll(/ +$/gm, '');
}
