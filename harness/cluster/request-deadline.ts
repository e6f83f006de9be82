import { createConfiguration, ResponseContext, wrapHttpLibrary } from '@kubernetes/client-node';
import pRetry from 'p-retry';
import { MeshproofError } from '../errors/meshproof-error.ts';

/**
 * A request that an API server has not answered in whole within this time is given up; in milliseconds. Watches are no
 * such requests.
 */
export const requestWithin = 30_000;

type HttpLibrary = ReturnType<typeof wrapHttpLibrary>;

/**
 * Sends requests with a deadline: a server that takes a connection and never answers, or stops in the middle of an
 * answer, holds nobody up.
 *
 * @param where names the server in the message
 * @param within milliseconds
 * @returns rejects with MeshproofError MP504 after the deadline.
 */
export function withinDeadline(where: string, within = requestWithin): HttpLibrary {
  const plain = createConfiguration().httpApi;
  return wrapHttpLibrary({
    send: async (request) => {
      const late = AbortSignal.timeout(within);
      const given = request.getSignal();
      request.setSignal(given === undefined ? late : AbortSignal.any([given, late]));
      const told = async <T>(work: Promise<T>): Promise<T> =>
        await work.catch((cause: unknown) => {
          if (!late.aborted) throw cause;
          throw new MeshproofError('MP504', {
            what: `the API server did not answer within ${within / 1000} s`,
            where,
            expected: `an answer to ${request.getHttpMethod().toString()} ${new URL(request.getUrl()).pathname}`,
            seen: 'a connection, and no whole answer',
            cause,
          });
        });
      const answer = await told(
        pRetry(() => plain.send(request).toPromise(), {
          retries: 3,
          minTimeout: 200,
          shouldRetry: ({ error }) => neverSent(error) && !late.aborted,
        }),
      );
      return new ResponseContext(answer.httpStatusCode, answer.headers, {
        text: () => told(answer.body.text()),
        binary: () => told(answer.body.binary()),
      });
    },
  });
}

/**
 * A connection that was closed before TLS was agreed on carried nothing, so that any request can be sent again: a busy
 * machine, or a proxy in between, gives connections up.
 */
const neverSent = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('before secure TLS connection was established');
