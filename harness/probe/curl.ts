import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { ask } from '../tape/tape.ts';
import { shellWords } from '../text/shell-words.ts';
import { execInPod, type ExecResult, type PodContainer } from './pod.ts';

export interface CurlOptions {
  /** HEAD instead of GET, as the walkthrough's `curl -I` does. */
  readonly head?: boolean;
  /** Another method than curl would choose: `POST` for one that carries no body. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Deadline of the whole exchange in seconds (default 10). */
  readonly maxSeconds?: number;
  readonly insecure?: boolean;
  /** Body of a POST, sent as it is; say what it is by a header `content-type`. */
  readonly data?: string;
  /** The same for a body that is no text, such as a gRPC message. */
  readonly bytes?: Uint8Array;
  /** HTTP/2 from the first byte on, as a client does that knows its server speaks it. */
  readonly http2?: boolean;
}

/** What one curl saw, as plain data for matchers, reports and replay. */
export interface CurlExchange {
  /** The command as the walkthrough would print it. */
  readonly command: string;
  /** The x-request-id it carried; sidecars keep it, so their access logs show this very request. */
  readonly requestId: string;
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
  /** "HTTP/1.1 200 OK"; "" when there was no answer. */
  readonly statusLine: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Address that curl connected to: where DNS led. */
  readonly remoteAddress: string;
  /** curl's exit code and words; 0 and "" when all went well. */
  readonly exitCode: number;
  readonly error: string;
  readonly seconds: number;
}

const marker = '\u001emeshproof ';
const separator = '\u001d';
const writeOut = z.object({
  http_code: z.number().optional(),
  response_code: z.number(),
  remote_ip: z.string(),
  exitcode: z.number(),
  errormsg: z.string().nullable(),
  time_total: z.number(),
});

/**
 * Runs curl in a pod and returns what it saw. A refused connection, a failed look-up or a 503 is a result.
 *
 * @throws MeshproofError MP702 when curl itself could not be run.
 */
export async function curl(
  kubectl: string,
  from: PodContainer,
  url: string,
  options: CurlOptions = {},
): Promise<CurlExchange> {
  const [exchange] = await curlTimes(kubectl, from, 1, url, options);
  if (exchange === undefined) throw new MeshproofError('MP999', { what: 'one curl gave no exchange' });
  return exchange;
}

/**
 * Runs curl many times, one after the other, each with a request id of its own, in one `kubectl exec`.
 *
 * @param url the URL, or one for each call
 * @throws MeshproofError MP702 when curl itself could not be run.
 */
export async function curlTimes(
  kubectl: string,
  from: PodContainer,
  times: number,
  url: string,
  options: CurlOptions = {},
): Promise<CurlExchange[]> {
  const { visible } = curlArguments(url, options);
  const { bytes } = options;
  const fed = bytes === undefined ? '' : `printf %s ${Buffer.from(bytes).toString('base64')} | base64 -d | `;
  const command = fed + shellWords(['curl', ...visible]);
  // Without quotes, as runs of before have it.
  const question = `${times} × curl ${visible.join(' ')} from ${from.cluster} ${from.namespace}/${from.pod}`;
  const printed = await ask<Printed | CurlExchange[]>(question, () => curlNow(kubectl, from, times, url, options), {
    file: `${from.cluster}.curl.json`,
    lookOnly: true,
  });
  // Runs of before that was so hold what was made of it.
  if (Array.isArray(printed)) return printed;
  const parts = printed.stdout.split(separator);
  return printed.requestIds.map((requestId, index) =>
    parseCurlOutput(parts[index] ?? '', printed.stderr, printed.exitCode, {
      command,
      where: `cluster ${from.cluster}, pod ${from.namespace}/${from.pod}`,
      requestId,
    }),
  );
}

/** What curl itself printed: evidence holds this, so that a replay reads it again. */
interface Printed extends ExecResult {
  /** The ids that its requests carried. */
  readonly requestIds: readonly string[];
}

/** A call that took so many seconds is not worth being waited for again and again. */
const slow = 3;
/** So many calls are made at the same time at most. */
const together = 40;

/**
 * Calls one after the other; behind the first that is slow the others are made at the same time, and told in order: ten
 * calls that all wait for the same ten seconds say in twenty what they would say in a hundred. It runs in the
 * container, and nothing of the user's is ever part of the script, only its arguments.
 */
const loop = `
one() {
  id=$1; shift
  if [ -z "$body" ]; then curl -H "x-request-id: $id" "$@"
  else printf %s "$body" | base64 -d | curl -H "x-request-id: $id" "$@"; fi
}
n=$1; shift; i=0; ids=; waits=; made=0
while [ $i -lt $n ]; do ids="$ids $1"; shift; i=$((i+1)); done
body=$1; shift
for id in $ids; do
  if [ -n "$waits" ]; then
    one "$id" "$@" > "$waits/$id" &
    made=$((made+1))
    if [ $((made % ${together})) -eq 0 ]; then wait; fi
    continue
  fi
  read -r begun _ < /proc/uptime
  one "$id" "$@"
  code=$?
  read -r ended _ < /proc/uptime
  if [ $(( \${ended%.*} - \${begun%.*} )) -ge ${slow} ]; then waits=$(mktemp -d); fi
done
if [ -n "$waits" ]; then
  wait
  for id in $ids; do if [ -f "$waits/$id" ]; then cat "$waits/$id"; fi; done
  rm -r "$waits"
fi
exit $code
`;

async function curlNow(
  kubectl: string,
  from: PodContainer,
  times: number,
  url: string,
  options: CurlOptions,
): Promise<Printed> {
  const { maxSeconds = 10, bytes = new Uint8Array() } = options;
  const { visible, hidden } = curlArguments(url, options);
  const requestIds = Array.from({ length: times }, () => randomUUID());
  // No argument can hold a zero byte.
  const body = Buffer.from(bytes).toString('base64');
  const command = ['sh', '-c', loop, 'sh', String(times), ...requestIds, body, ...hidden, ...visible];
  const printed = await execInPod(kubectl, from, command, {
    timeout: maxSeconds * 1000 * Math.min(times, 10) + 15_000,
  });
  return { requestIds, ...printed };
}

/** One curl as a plain command, for clients that are not pods. */
export function curlCommand(
  url: string,
  options: Omit<CurlOptions, 'bytes'> = {},
): { readonly command: string[]; readonly visible: string; readonly requestId: string } {
  const { visible, hidden } = curlArguments(url, options);
  const requestId = randomUUID();
  return {
    command: ['curl', '-H', `x-request-id: ${requestId}`, ...hidden, ...visible],
    visible: shellWords(['curl', ...visible]),
    requestId,
  };
}

/** The arguments that a reader would type, and those that make curl's answer readable for us. */
function curlArguments(
  url: string,
  { head = false, method, headers = {}, maxSeconds = 10, insecure = false, data, bytes, http2 = false }: CurlOptions,
): { visible: string[]; hidden: string[] } {
  return {
    visible: [
      ...(head ? ['-I'] : []),
      ...(method === undefined ? [] : ['-X', method]),
      ...(insecure ? ['-k'] : []),
      ...(http2 ? ['--http2-prior-knowledge'] : []),
      ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
      // --data reads a file where its text begins with @.
      ...(data === undefined ? [] : ['--data-raw', data]),
      ...(bytes === undefined ? [] : ['--data-binary', '@-']),
      url,
    ],
    hidden: ['-sS', '--max-time', String(maxSeconds), ...(head ? [] : ['-i']), '-w', `${marker}%{json}${separator}`],
  };
}

/** Takes apart curl's output: headers, body and the JSON that --write-out appended. */
export function parseCurlOutput(
  stdout: string,
  stderr: string,
  exitCode: number,
  context: { readonly command: string; readonly where: string; readonly requestId: string },
): CurlExchange {
  const [answer = '', json] = stdout.replace(separator, '').split(marker);
  const parsed = json === undefined ? undefined : writeOut.safeParse(JSON.parse(json));
  if (parsed?.success !== true) {
    throw new MeshproofError('MP702', {
      what: 'curl could not be run',
      where: context.where,
      expected: 'curl 7.75 or newer in the container',
      seen: stderr === '' ? `exit code ${exitCode}` : stderr,
    });
  }
  const { response_code: status, remote_ip: remoteAddress, exitcode, errormsg, time_total: seconds } = parsed.data;
  const lines = answer.replaceAll('\r\n', '\n');
  const end = lines.indexOf('\n\n');
  const head = end < 0 ? lines : lines.slice(0, end);
  const headers = Object.fromEntries(
    head
      .split('\n')
      .slice(1)
      .map(
        (line) =>
          [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const,
      )
      .filter(([name]) => name !== ''),
  );
  return {
    command: context.command,
    requestId: context.requestId,
    status,
    statusLine: head.split('\n')[0] ?? '',
    headers,
    body: end < 0 ? '' : lines.slice(end + 2),
    remoteAddress,
    exitCode: exitcode,
    error: errormsg ?? '',
    seconds,
  };
}

/** The exchange as curl -i prints it; curl's own words when there was no answer. */
export function rawAnswer({ statusLine, headers, body, error }: CurlExchange): string {
  if (statusLine === '') return error;
  return [
    statusLine,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === '' ? [] : ['', body.trimEnd()]),
  ].join('\n');
}

/**
 * The client as the server's sidecar verified it: its SPIFFE identity and the SHA-256 of the very certificate it
 * presented.
 */
export interface ClientIdentity {
  readonly uri: string | undefined;
  readonly certificate: string | undefined;
}

/**
 * Reads the client's identity (X-Forwarded-Client-Cert, set by the server's sidecar) from httpbin's /headers answer.
 */
export function clientIdentity(exchange: CurlExchange): ClientIdentity | undefined {
  const headers = z
    .object({ headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])) })
    .safeParse(parseJson(exchange.body));
  if (!headers.success) return undefined;
  const values = Object.entries(headers.data.headers).find(
    ([name]) => name.toLowerCase() === 'x-forwarded-client-cert',
  )?.[1];
  const text = Array.isArray(values) ? values.join(';') : values;
  if (text === undefined) return undefined;
  const field = (name: string): string | undefined => new RegExp(`(?:^|;)${name}=([^;,]+)`).exec(text)?.[1];
  return { uri: field('URI'), certificate: field('Hash') };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // An error page instead of JSON: no headers then.
    return undefined;
  }
}
