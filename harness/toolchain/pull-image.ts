import pRetry from 'p-retry';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { Docker } from './docker.ts';
import { anyOf } from '../text/any-of.ts';

/** Docker's words for what another try does not change, also where they come along with others. */
const final = new RegExp(
  anyOf(
    /manifest unknown|manifest for \S+ not found|not found: manifest|name unknown/,
    /repository does not exist|access denied|\bdenied\b|unauthorized|authentication required/,
    /no basic auth|invalid reference|no matching manifest|x509|no space left|permission denied/,
  ),
  'i',
);
/** … and for what may pass: too many requests, 5xx, a connection that was lost or never made. */
const passing = new RegExp(
  anyOf(
    /toomanyrequests|too many requests|rate limit|\b429\b|\b50[0234]\b|internal server error|bad gateway/,
    /service unavailable|gateway time-?out|time-?out|timed out|deadline exceeded|\bEOF\b/,
    /connection (reset|refused)|broken pipe|use of closed network connection|temporary failure/,
    /server misbehaving|no route to host|network is unreachable|request canceled/,
  ),
  'i',
);

export interface PullOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for all tries together (default: 15 minutes). */
  readonly within?: number;
  /** Milliseconds before the second try; each further pause is twice as long. */
  readonly firstPause?: number;
}

/** True when a pull that failed with these words may succeed at the next try. */
export const pullMayPass = (words: string): boolean => !final.test(words) && passing.test(words);

/**
 * Pulls an image through the daemon. What is already pulled of it is kept between the tries.
 *
 * @throws MeshproofError MP302 with docker's words: at once when the image is not there or access is denied, after the
 *   last try else.
 */
export async function pullImage(docker: Docker, reference: string, options: PullOptions = {}): Promise<void> {
  const { signal, within = 900_000, firstPause = 2_000 } = options;
  const started = performance.now();
  let tries = 0;
  const attempt = async (): Promise<void> => {
    tries += 1;
    await docker.run(['pull', '--quiet', reference], {
      purpose: `pull ${reference}`,
      code: 'MP302',
      signal,
      timeout: Math.max(1_000, within - (performance.now() - started)),
    });
  };
  await pRetry(attempt, {
    retries: 5,
    minTimeout: firstPause,
    maxRetryTime: within,
    ...(signal === undefined ? {} : { signal }),
    shouldRetry: ({ error }) => error instanceof MeshproofError && pullMayPass(error.details.seen ?? ''),
  }).catch((error: unknown) => {
    signal?.throwIfAborted();
    if (!(error instanceof MeshproofError)) throw error;
    const words = error.details.seen ?? '';
    throw new MeshproofError(error.code, {
      ...error.details,
      what: tries === 1 ? error.details.what : `${error.details.what} ${tries} times`,
      remedy: remedyOf(words),
    });
  });
}

function remedyOf(words: string): string | undefined {
  if (/toomanyrequests|too many requests|rate limit|\b429\b/i.test(words))
    return (
      'The registry limits how often you pull: `docker login` raises the limit of Docker Hub; a mirror of your ' +
      'own has none.'
    );
  if (/denied|unauthorized|authentication|no basic auth/i.test(words))
    return 'Check the name of the image; then `docker login` to its registry, or use a mirror that gives access.';
  if (/x509/i.test(words))
    return (
      'Add the authority of your company’s gateway to the system’s store of the Docker daemon, and start Docker ' +
      'again.'
    );
  if (/no space left/i.test(words)) return 'Free space in Docker’s data root: `docker system df` says what takes it.';
  if (pullMayPass(words)) return 'Check the network and the proxy of the Docker daemon (`docker info`), and try again.';
  return undefined;
}
