import { catalogue, type ErrorCode } from '../errors/catalogue.ts';
import type { CurlExchange } from '../probe/curl.ts';
import type { Diagnosis } from './diagnose.ts';

/** Where a call broke that its proxies' configuration does not explain, and the words that tell. */
interface Symptom {
  readonly code: ErrorCode;
  readonly hop: string;
  readonly told: (exchange: CurlExchange) => string | undefined;
}

/** In the order of the traffic. Words are Envoy's (source/common/router, source/common/tls, source/extensions/filters/http/rbac) and curl's. */
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
