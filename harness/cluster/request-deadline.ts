import { createConfiguration, ResponseContext, wrapHttpLibrary } from '@kubernetes/client-node';
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
      const answer = await told(plain.send(request).toPromise());
      return new ResponseContext(answer.httpStatusCode, answer.headers, {
        text: () => told(answer.body.text()),
        binary: () => told(answer.body.binary()),
      });
    },
  });
}
