/**
 * The API server's refusal as the client library throws it. Told by its shape, so that one that was recorded counts as
 * well.
 */
interface ApiRefusal extends Error {
  readonly code: number;
  readonly body: unknown;
}

const isApiException = (error: unknown): error is ApiRefusal =>
  error instanceof Error && 'body' in error && 'code' in error && typeof error.code === 'number';

/** The API server answered, and it was no. */
export const isRefusal = (error: unknown): boolean => isApiException(error);

/** The object that was asked for is not there. */
export const isAbsent = (error: unknown): boolean => isApiException(error) && error.code === 404;

/** The cluster has no such kind: not its group, or not in that version of the group. */
export const isUnknownKind = (error: unknown): boolean =>
  isAbsent(error) || (error instanceof Error && error.message.includes('Unrecognized API version and kind'));

/** The user may not do that. */
export const isForbidden = (error: unknown): boolean => isApiException(error) && error.code === 403;

/** The object changed since it was read, or somebody made it first. */
export const isConflict = (error: unknown): boolean => isApiException(error) && error.code === 409;

/** A server, webhook or kind that will be there in a moment. */
export function isBooting(error: unknown): boolean {
  if (isApiException(error)) {
    const body = apiMessage(error);
    if (error.code === 429 || error.code === 503) return true;
    if (error.code === 500) return /failed calling webhook|connection refused|EOF|timeout|etcdserver/.test(body);
    // A namespace or a kind that was made a moment ago.
    return (
      error.code === 404 &&
      /page not found|namespaces? "[^"]+" not found|could not find the requested resource/.test(body)
    );
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
  const text = error instanceof Error ? `${error.message} ${cause}` : String(error);
  return /ECONNREFUSED|ECONNRESET|socket hang up|EPIPE|ETIMEDOUT|Unrecognized API version and kind/.test(text);
}

/** The server's own words out of whatever the client library threw. */
export function apiMessage(error: unknown): string {
  if (isApiException(error)) {
    const body: unknown = typeof error.body === 'string' ? parseOr(error.body) : error.body;
    if (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string')
      return body.message;
    return `HTTP ${error.code}: ${String(error.body)}`;
  }
  if (error instanceof AggregateError) return error.errors.map(apiMessage).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
