import { clusterFlags } from '../process/cluster-flags.ts';
import { z } from 'zod';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { runProgram } from '../process/run-program.ts';
import { ask } from '../tape/tape.ts';
import type { PodContainer } from './pod.ts';

/** One line of Envoy's access log in Istio's JSON encoding (istio: pilot/pkg/model/telemetry_logging.go). */
const entrySchema = z.looseObject({
  start_time: z.string(),
  request_id: z.string().nullish(),
  authority: z.string().nullish(),
  path: z.string().nullish(),
  protocol: z.string().nullish(),
  response_code: z.number(),
  response_flags: z.string().nullish(),
  response_code_details: z.string().nullish(),
  upstream_cluster: z.string().nullish(),
  upstream_host: z.string().nullish(),
  upstream_local_address: z.string().nullish(),
  downstream_remote_address: z.string().nullish(),
  requested_server_name: z.string().nullish(),
  connection_termination_details: z.string().nullish(),
  upstream_transport_failure_reason: z.string().nullish(),
});

export type AccessLogEntry = z.infer<typeof entrySchema>;

/**
 * All that a proxy's container printed since a moment.
 *
 * @throws MeshproofError MP702 when it cannot be read.
 */
export async function readLog(kubectl: string, where: PodContainer, since: Date): Promise<string> {
  const { stdout } = await runProgram({
    program: kubectl,
    args: [
      ...clusterFlags(where),
      '--namespace',
      where.namespace,
      'logs',
      where.pod,
      '-c',
      where.container,
      `--since-time=${since.toISOString()}`,
    ],
    purpose: 'read the access log',
    code: 'MP702',
    where: `${where.cluster} ${where.namespace}/${where.pod}`,
    timeout: 20_000,
  });
  return stdout;
}

/**
 * Reads the access log of a proxy since a moment.
 *
 * @throws MeshproofError MP702 when the log cannot be read.
 */
export async function readAccessLog(kubectl: string, where: PodContainer, since: Date): Promise<AccessLogEntry[]> {
  const pod = `${where.cluster} ${where.namespace}/${where.pod}`;
  const lines = async (): Promise<string[]> => entryLines(await readLog(kubectl, where, since));
  const kept = await ask<readonly (string | AccessLogEntry)[]>(`access log of ${pod}`, lines, {
    file: `${pod}.access-log.json`,
    lookOnly: true,
  });
  // The lines are read again in a replay; runs of before that was so hold what was made of them.
  return kept.flatMap((line) => (typeof line === 'string' ? parseAccessLog(line) : line));
}

/** The lines of an access log among everything that a proxy's container printed. */
const entryLines = (text: string): string[] =>
  text.split('\n').filter((line) => line.startsWith('{') && line.includes('"start_time"'));

/**
 * Envoy's words for pushes that it refused: "…Cluster rejected: Error adding/updating cluster(s) …" (envoy:
 * grpc_subscription_impl.cc).
 */
export const refusalsIn = (log: string): string[] =>
  log.split('\n').flatMap((line) => /config for type\.googleapis\.com\/(\S+ rejected: .+)/.exec(line)?.[1] ?? []);

/**
 * A request id without the digit in which Envoy writes whether it traces the request: of every hundred requests one is
 * sampled, and its id comes back as `…-9…` instead of `…-4…` (envoy: source/extensions/request_id/uuid/config.cc,
 * TRACE_BYTE_POSITION).
 */
export function untraced(requestId: string): string {
  return `${requestId.slice(0, 14)}4${requestId.slice(15)}`;
}

/** The access log lines among everything that the container printed. */
export function parseAccessLog(text: string): AccessLogEntry[] {
  return entryLines(text).map((line) => {
    const entry = entrySchema.safeParse(JSON.parse(line));
    if (entry.success) return entry.data;
    throw new MeshproofError('MP703', {
      what: 'an access log line does not have the modelled shape',
      expected: entry.error.issues[0]?.message,
      seen: line.slice(0, 300),
    });
  });
}
