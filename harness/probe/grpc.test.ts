import { expect, test } from 'vitest';
import { greetingCall, grpcCall, grpcStatus } from './grpc.ts';

test('a message stands behind its length, whatever its bytes', () => {
  // Of a method that is not there nothing is sent which its server would have to turn away.
  expect(grpcCall()).toMatchObject({ http2: true, method: 'POST' });
  expect(grpcCall().bytes).toBeUndefined();
  const { bytes, http2, headers } = grpcCall(Buffer.from([0, 255, 10]));
  expect([...(bytes ?? [])]).toEqual([0, 0, 0, 0, 3, 0, 255, 10]);
  expect(http2).toBe(true);
  expect(headers).toMatchObject({ 'content-type': 'application/grpc', te: 'trailers' });
});

test('a greeting is a DNS question for text, in the one field of a DnsPacket', () => {
  const { bytes = new Uint8Array() } = greetingCall('world');
  const [field, length, ...question] = bytes.subarray(5);
  expect([field, length]).toEqual([0x0a, question.length]);
  expect(Buffer.from(question).toString('latin1')).toContain('\u0005world\0\0\u0010\0\u0001');
});

test.each([
  ['trailers right behind the body', { headers: {}, body: '\0\0\0\0\u0002hegrpc-status: 0\ngrpc-message: \n' }, 0],
  ['a refusal in the headers', { headers: { 'grpc-status': '12' }, body: '' }, 12],
  ['a body that was cut off', { headers: {}, body: '\0\0\0\0\u0002he' }, undefined],
])('%s', (_what, exchange, code) => {
  expect(grpcStatus(exchange)?.code).toBe(code);
});
