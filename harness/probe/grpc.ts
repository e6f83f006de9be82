import type { CurlExchange, CurlOptions } from './curl.ts';

/**
 * A unary gRPC call as curl makes it: one message that is not compressed, behind its length (grpc: doc/
 * PROTOCOL-HTTP2.md, "Length-Prefixed-Message").
 *
 * @param message the bytes of the message, in Protocol Buffers. A call of a method that is not there has none: the
 *   server refuses it by its headers, and resets a stream on which more is to come, which curl may hear before the
 *   refusal.
 */
export function grpcCall(message?: Uint8Array): CurlOptions {
  const call = { http2: true, headers: { 'content-type': 'application/grpc', te: 'trailers' } };
  if (message === undefined) return { ...call, method: 'POST' };
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return { ...call, bytes: Buffer.concat([prefix, message]) };
}

/**
 * The call that a greeter answers: a DnsPacket (coredns: pb/dns.proto) that asks for the text of a name.
 *
 * @param name one label
 */
export function greetingCall(name: string): CurlOptions {
  const header = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const label = Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([0])]);
  const textInInternet = Buffer.from([0, 16, 0, 1]);
  const question = Buffer.concat([header, label, textInInternet]);
  return grpcCall(Buffer.concat([Buffer.from([0x0a, question.length]), question]));
}

/** What a gRPC server said of a call. */
export interface GrpcStatus {
  /** 0 is OK, 12 is UNIMPLEMENTED (grpc: doc/statuscodes.md). */
  readonly code: number;
  /** Behind the message; or in place of one, where the headers are all there is. */
  readonly in: 'trailers' | 'headers';
}

/** The status of a gRPC call; undefined where nobody said one. curl prints trailers right behind the body. */
export function grpcStatus({ headers, body }: Pick<CurlExchange, 'headers' | 'body'>): GrpcStatus | undefined {
  const early = headers['grpc-status'];
  if (early !== undefined) return { code: Number(early), in: 'headers' };
  const late = /grpc-status: ?(\d+)\n/.exec(body)?.[1];
  return late === undefined ? undefined : { code: Number(late), in: 'trailers' };
}
