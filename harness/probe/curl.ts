import { z } from 'zod';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { execInPod, type PodContainer } from './pod.ts';

export interface CurlOptions {
  /** HEAD instead of GET, as the walkthrough's `curl -I` does. */
  readonly head?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Deadline of the whole exchange in seconds (default 10). */
  readonly maxSeconds?: number;
  readonly insecure?: boolean;
}

/** What one curl saw, as plain data for matchers, reports and replay. */
export interface CurlExchange {
  /** The command as the walkthrough would print it. */
  readonly command: string;
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
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
export async function curl(kubectl: string, from: PodContainer, url: string, options: CurlOptions = {}): Promise<CurlExchange> {
  const { head = false, headers = {}, maxSeconds = 10, insecure = false } = options;
  const visible = [...(head ? ['-I'] : []), ...(insecure ? ['-k'] : []), ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]), url];
  const hidden = ['-sS', '--max-time', String(maxSeconds), ...(head ? [] : ['-i']), '-w', `${marker}%{json}`];
  const { stdout, stderr, exitCode } = await execInPod(kubectl, from, ['curl', ...hidden, ...visible], { timeout: (maxSeconds + 15) * 1000 });
  return parseCurlOutput(stdout, stderr, exitCode, { command: ['curl', ...visible].join(' '), where: from });
}

/** Takes apart curl's output: headers, body and the JSON that --write-out appended. */
export function parseCurlOutput(stdout: string, stderr: string, exitCode: number, context: { readonly command: string; readonly where: PodContainer }): CurlExchange {
  const [answer = '', json] = stdout.split(marker);
  const parsed = json === undefined ? undefined : writeOut.safeParse(JSON.parse(json));
  if (parsed?.success !== true) {
    throw new MeshproofError('MP702', {
      what: 'curl could not be run',
      where: `cluster ${context.where.cluster}, pod ${context.where.namespace}/${context.where.pod}`,
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
      .map((line) => [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const)
      .filter(([name]) => name !== ''),
  );
  return { command: context.command, status, headers, body: end < 0 ? '' : lines.slice(end + 2), remoteAddress, exitCode: exitcode, error: errormsg ?? '', seconds };
}

/** The client as the server's sidecar verified it: its SPIFFE identity and the SHA-256 of the very certificate it presented. */
export interface ClientIdentity {
  readonly uri: string | undefined;
  readonly certificate: string | undefined;
}

/** Reads the client's identity (X-Forwarded-Client-Cert, set by the server's sidecar) from httpbin's /headers answer. */
export function clientIdentity(exchange: CurlExchange): ClientIdentity | undefined {
  const headers = z.object({ headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])) }).safeParse(parseJson(exchange.body));
  if (!headers.success) return undefined;
  const values = Object.entries(headers.data.headers).find(([name]) => name.toLowerCase() === 'x-forwarded-client-cert')?.[1];
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
