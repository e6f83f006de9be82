import { catalogue, type ErrorCode } from '../errors/catalogue.ts';
import type { CurlExchange } from '../probe/curl.ts';
import type { Diagnosis } from './diagnose.ts';

/** Where a call broke that its proxies' configuration does not explain, and the words that tell. */
interface Symptom {
  readonly code: ErrorCode;
  readonly hop: string;
  readonly told: (exchange: CurlExchange) => string | undefined;
}

/**
 * In the order of the traffic. Words are Envoy's (source/common/router, source/common/tls,
 * source/extensions/filters/http/rbac) and curl's.
 */
const symptoms: readonly Symptom[] = [
  { code: 'MP811', hop: 'DNS', told: ({ exitCode, error }) => (exitCode === 6 ? error : undefined) },
  { code: 'MP813', hop: 'TLS', told: ({ body }) => /transport failure reason: ?(.*TLS.*)/.exec(body)?.[1] },
  {
    code: 'MP812',
    hop: 'authorization policy',
    told: ({ status, body }) => (status === 403 && body.includes('RBAC') ? body.trim() : undefined),
  },
  {
    code: 'MP814',
    hop: 'injected fault',
    told: ({ body }) => (body.includes('fault filter abort') ? body.trim() : undefined),
  },
  {
    code: 'MP815',
    hop: 'upstream',
    told: ({ body }) => /no healthy upstream|upstream connect error[^\n]*|upstream request timeout/.exec(body)?.[0],
  },
  // The answer to a HEAD has no words: its status is all that it tells.
  {
    code: 'MP812',
    hop: 'authorization policy',
    told: ({ status, body }) => (status === 403 && body === '' ? 'HTTP 403 without a word' : undefined),
  },
  {
    code: 'MP815',
    hop: 'upstream',
    told: ({ status, body }) =>
      status >= 502 && status <= 504 && body === '' ? `HTTP ${status} without a word` : undefined,
  },
  // curl: 7 nobody there, 28 no answer in time, 52 and 56 the connection ended before there was one.
  {
    code: 'MP815',
    hop: 'connection',
    told: ({ exitCode, error }) =>
      [7, 28, 52, 56].includes(exitCode) ? error || `curl exit code ${exitCode}` : undefined,
  },
];

/** What a call itself tells about where it broke; undefined when it says nothing that is known. */
export function diagnoseExchange(exchange: CurlExchange): Diagnosis | undefined {
  for (const { code, hop, told } of symptoms) {
    const words = told(exchange);
    if (words === undefined) continue;
    const { title, remedy } = catalogue[code];
    return { code, hop: `${exchange.command} · ${hop}`, cause: `${title}: ${words.slice(0, 300)}`, try: remedy };
  }
  return undefined;
}
