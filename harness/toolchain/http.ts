import { setTimeout as pause } from 'node:timers/promises';
import pRetry from 'p-retry';
import type { Dispatcher, Response } from 'undici';
import { HttpTrouble, statusTrouble, transportTrouble } from './http-trouble.ts';

export interface HttpQuestion {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

let current: { readonly proxies: string; readonly dispatcher: Promise<Dispatcher> } | undefined;

/**
 * The way out: through HTTP_PROXY and HTTPS_PROXY, except for what NO_PROXY lists. Node's own fetch knows them only in
 * its newest versions.
 */
async function wayOut(): Promise<Dispatcher> {
  const [httpProxy, httpsProxy] = [proxyOf('http'), proxyOf('https')];
  const proxies = JSON.stringify([httpProxy, httpsProxy]);
  // The variables are read once, and again when they changed.
  if (current?.proxies !== proxies) {
    const dispatcher = import('undici').then(
      ({ EnvHttpProxyAgent }) =>
        new EnvHttpProxyAgent({
          ...(httpProxy === undefined ? {} : { httpProxy }),
          ...(httpsProxy === undefined ? {} : { httpsProxy }),
          // Node gives each address of a name a quarter of a second by default, which a far publisher may outlast.
          connect: { timeout: 15_000, autoSelectFamilyAttemptTimeout: 2_000 },
          headersTimeout: 60_000,
          // The longest silence within a download; a connection that stalls is given up and tried again.
          bodyTimeout: 60_000,
          // Proxies often refuse to tunnel to port 80.
          proxyTunnel: false,
        }),
    );
    current = { proxies, dispatcher };
  }
  return await current.dispatcher;
}

/** The proxy that the environment names for a scheme; a bare `host:port` counts as one without TLS, as for curl. */
function proxyOf(scheme: 'http' | 'https'): string | undefined {
  const value = process.env[`${scheme}_proxy`] ?? process.env[`${scheme.toUpperCase()}_PROXY`] ?? '';
  if (value.trim() === '') return undefined;
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (URL.canParse(url)) return url;
  throw new HttpTrouble('MP315', `${scheme.toUpperCase()}_PROXY is no address of a proxy`, false);
}

/** The proxies of the environment as a message may show them: without user and password. */
export function proxiesShown(): string | undefined {
  const shown = (['https', 'http'] as const).flatMap((scheme) => {
    const proxy = proxyOf(scheme);
    return proxy === undefined
      ? []
      : [`${scheme.toUpperCase()}_PROXY ${new URL(proxy).protocol}//${new URL(proxy).host}`];
  });
  return shown.length === 0 ? undefined : shown.join(', ');
}

/**
 * Asks a server once, through the proxies of the environment. Whatever it answers is an answer, also 404.
 *
 * @throws HttpTrouble when there is no answer, or a proxy refuses to pass the question on; the signal's reason when it
 *   was aborted for another cause than a deadline.
 */
export async function ask(url: string, { method = 'GET', headers = {}, signal }: HttpQuestion): Promise<Response> {
  const [{ fetch }, dispatcher] = await Promise.all([import('undici'), wayOut()]);
  const response = await fetch(url, { method, headers, signal, dispatcher }).catch((error: unknown) => {
    throw transportTrouble(error, signal, proxiesShown());
  });
  if (response.status !== 407) return response;
  throw statusTrouble(response, proxiesShown());
}

/**
 * The same for a file that must be there.
 *
 * @throws HttpTrouble for every status that is not 2xx
 */
export async function askFor(url: string, question: HttpQuestion): Promise<Response> {
  const response = await ask(url, question);
  if (response.ok) return response;
  await response.body?.cancel();
  throw statusTrouble(response, proxiesShown());
}

export interface Patience {
  /** Milliseconds for all tries together, pauses included. */
  readonly within: number;
  readonly signal: AbortSignal;
  /** Milliseconds before the second try; each further pause is twice as long. */
  readonly firstPause?: number;
  readonly retries?: number;
}

/**
 * Tries again what may pass: 429, 5xx, a broken or refused connection. A server that says when to come back
 * (Retry-After) is believed.
 *
 * @param attempt gets a signal that ends with the deadline
 * @throws HttpTrouble of the last try; at once for what stays as it is (404, 401, an unknown certificate).
 */
export async function retrying<T>(
  { within, signal, firstPause = 500, retries = 6 }: Patience,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(within)]);
  let last: unknown;
  try {
    return await pRetry(
      async () => {
        try {
          return await attempt(bounded);
        } catch (error) {
          signal.throwIfAborted();
          last = error;
          throw error;
        }
      },
      {
        retries,
        minTimeout: firstPause,
        maxRetryTime: within,
        signal: bounded,
        // A busy server deserves patience; one that nobody runs refuses the fourth time as well.
        shouldRetry: ({ error, attemptNumber }) =>
          error instanceof HttpTrouble && error.passing && (error.code === 'MP318' || attemptNumber <= 3),
        onFailedAttempt: async ({ error, retriesLeft }) => {
          if (!(error instanceof HttpTrouble) || error.retryAfter === undefined || retriesLeft === 0) return;
          if (performance.now() - started + error.retryAfter > within) throw error;
          await pause(error.retryAfter, undefined, { signal: bounded });
        },
      },
    );
  } catch (error) {
    signal.throwIfAborted();
    // A pause that outlasts the deadline ends with the signal's reason; what was seen last says more.
    throw bounded.aborted ? (last ?? error) : error;
  }
}

/** The text of a body. @throws HttpTrouble when it breaks off. */
export async function textOf(response: Response, signal: AbortSignal): Promise<string> {
  return await response.text().catch((error: unknown) => {
    throw transportTrouble(error, signal, proxiesShown());
  });
}

/** Loads what asking takes, so that a deadline is the servers' alone. */
export async function readyToAsk(): Promise<void> {
  await import('undici');
}

/** Lets go of connections that are still open, so that the process can end. */
export async function hangUp(): Promise<void> {
  const dispatcher = await current?.dispatcher;
  current = undefined;
  await dispatcher?.destroy();
}
