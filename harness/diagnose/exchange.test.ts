import { expect, test } from 'vitest';
import { recordedExchange } from '../probe/recorded.ts';
import { diagnoseExchange } from './exchange.ts';

const whole = recordedExchange();

test('a call that went well tells nothing', () => {
  expect(diagnoseExchange(whole)).toBeUndefined();
});

test.each([
  ['MP811', 'DNS', { status: 0, exitCode: 6, error: 'Could not resolve host: httpbin.bar.global', body: '' }],
  ['MP812', 'authorization policy', { status: 403, body: 'RBAC: access denied' }],
  [
    'MP813',
    'TLS',
    {
      status: 503,
      body:
        'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, ' +
        'transport failure reason: TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED',
    },
  ],
  ['MP814', 'injected fault', { status: 503, body: 'fault filter abort' }],
  ['MP815', 'upstream', { status: 503, body: 'no healthy upstream' }],
  [
    'MP815',
    'upstream',
    {
      status: 503,
      body:
        'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote ' +
        'connection failure',
    },
  ],
])('%s: %s', (code, hop, change) => {
  expect(diagnoseExchange({ ...whole, ...change })).toMatchObject({
    code,
    hop: `${whole.command} · ${hop}`,
    try: expect.stringMatching(/.{20}/),
  });
});

test('an answer of the application itself is no symptom of the mesh', () => {
  expect(diagnoseExchange({ ...whole, status: 403, body: '{"error": "not yours"}' })).toBeUndefined();
  expect(diagnoseExchange({ ...whole, status: 500, body: 'oops' })).toBeUndefined();
});
