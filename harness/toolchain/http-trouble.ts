import type { Response } from 'undici';
import type { ErrorCode } from '../errors/catalogue.ts';

/** Why a server could not be asked, or did not give what was asked for. */
export class HttpTrouble extends Error {
  override readonly name = 'HttpTrouble';
  readonly code: ErrorCode;
  /** True for what may be over at the next try. */
  readonly passing: boolean;
  /** Milliseconds after which the server wants to be asked again. */
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, passing: boolean, more: { retryAfter?: number; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.passing = passing;
    this.retryAfter = more.retryAfter;
  }
}

const unknownName = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME']);
const silence = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
const certificate =
  /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;

/**
 * What a failed fetch means.
 *
 * @param proxies as a message may show them, when there are any: an address that nobody asked for is easier to place
 *   then
 */
export function transportTrouble(error: unknown, signal: AbortSignal, proxies?: string): HttpTrouble {
  const chain = causesOf(error);
  const codes = chain.flatMap((one) => ('code' in one && typeof one.code === 'string' ? [one.code] : []));
  const words = [
    ...new Set(chain.map(({ message }) => message).filter((text) => text !== '' && text !== 'fetch failed')),
  ];
  const through = proxies === undefined ? '' : ` (${proxies})`;
  const trouble = (code: ErrorCode, what: string, passing: boolean): HttpTrouble =>
    new HttpTrouble(code, `${what}${through}`, passing, { cause: error });

  // undici says a proxy's refusal to tunnel in a sentence only.
  const refusal = /Proxy response \((\d+)\)|Proxy Authentication Required \((407)\)/i.exec(words.join('\n'));
  // fetch makes a nameless failure of an answer 407, as its standard says, and of nothing else that is asked for here.
  const nameless = chain.length > 0 && words.length === 0 && codes.length === 0 && !signal.aborted;
  const status = refusal?.[1] ?? refusal?.[2] ?? (nameless ? '407' : undefined);
  if (status === '407') return trouble('MP312', 'the proxy asks for a login (HTTP 407)', false);
  if (status !== undefined)
    return trouble('MP315', `the proxy does not pass the question on (HTTP ${status})`, Number(status) >= 500);
  if (signal.aborted || chain.some(({ name }) => name === 'TimeoutError' || name === 'AbortError'))
    return trouble('MP317', 'no answer in time', true);
  const told = words.at(-1) ?? 'no answer';
  if (codes.some((code) => unknownName.has(code))) return trouble('MP314', told, codes.includes('EAI_AGAIN'));
  if (codes.some((code) => certificate.test(code))) return trouble('MP316', told, false);
  if (codes.some((code) => silence.has(code))) return trouble('MP317', told, true);
  return trouble('MP315', told, true);
}

/** What an answer other than 2xx means. */
export function statusTrouble(response: Response, proxies?: string): HttpTrouble {
  const { status } = response;
  const trouble = (code: ErrorCode, what: string, passing = false): HttpTrouble => {
    const retryAfter = passing ? retryAfterOf(response.headers.get('retry-after')) : undefined;
    return new HttpTrouble(code, what, passing, retryAfter === undefined ? {} : { retryAfter });
  };
  if (status === 407)
    return trouble('MP312', `the proxy asks for a login (HTTP 407)${proxies === undefined ? '' : ` (${proxies})`}`);
  if (status === 401 || status === 403) return trouble('MP313', `access is refused (HTTP ${status})`);
  if (status === 429 || status === 408 || status >= 500) return trouble('MP318', `HTTP ${status}`, true);
  return trouble('MP310', `HTTP ${status}`);
}

/** Milliseconds that a Retry-After header asks for: seconds, or a date. */
export function retryAfterOf(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  const at = /^\s*\d+\s*$/.test(header) ? now + Number(header) * 1_000 : Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** An error with all that caused it; attempts at several addresses come as one error of many. */
function causesOf(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const several = error instanceof AggregateError ? error.errors.flatMap(causesOf) : [];
  return [error, ...several, ...causesOf(error.cause)];
}
