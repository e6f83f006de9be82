import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lookingLive, withTape, type Tape } from '../tape/tape.ts';
import { clientIdentity, curlTimes, parseCurlOutput } from './curl.ts';
import { recordedDump, recordedExchange } from './recorded.ts';

const context = { command: 'curl x', where: 'pod foo/sleep', requestId: 'r' };
const answered = { response_code: 200, remote_ip: '240.0.0.2', exitcode: 0, errormsg: null, time_total: 0.01 };
const json = (fields: object): string => `\u001emeshproof ${JSON.stringify({ ...answered, ...fields })}`;

test('takes headers and body apart', () => {
  const exchange = parseCurlOutput(
    `HTTP/1.1 200 OK\r\nServer: envoy\r\nX-A: b: c\r\n\r\nhello\n\nworld${json({})}`,
    '',
    0,
    context,
  );
  expect(exchange).toMatchObject({
    status: 200,
    headers: { server: 'envoy', 'x-a': 'b: c' },
    body: 'hello\n\nworld',
    remoteAddress: '240.0.0.2',
    exitCode: 0,
    error: '',
  });
});

test('a refused connection is an answer', () => {
  const exchange = parseCurlOutput(
    json({ response_code: 0, remote_ip: '', exitcode: 7, errormsg: 'Connection refused' }),
    '',
    7,
    context,
  );
  expect(exchange).toMatchObject({ status: 0, exitCode: 7, error: 'Connection refused', body: '' });
});

test('curl that could not be run is an error that says so', () => {
  expect(() => parseCurlOutput('', 'exec: "curl": executable file not found', 126, context)).toThrow(
    expect.objectContaining({ code: 'MP702' }),
  );
});

test('the certificate that httpbin saw is the one in the client’s sidecar', () => {
  const [leaf] = recordedDump('sleep').certificatesOf('default');
  expect(clientIdentity(recordedExchange())).toEqual({
    uri: 'spiffe://cluster.local/ns/foo/sa/sleep',
    certificate: leaf?.fingerprint,
  });
});

test('an error page has no identity', () => {
  expect(clientIdentity({ ...recordedExchange(), body: 'no healthy upstream' })).toBeUndefined();
});

test('evidence holds what curl printed, and it is read again in a replay', async () => {
  const from = { cluster: 'west', kubeconfig: '', context: '', namespace: 'foo', pod: 'sleep-1', container: 'sleep' };
  const recorded = (answer: unknown): Tape => ({
    ask: <T>() => Promise.resolve(answer as T),
    looking: () => lookingLive(),
  });
  const stdout = [200, 503].map((status) => `HTTP/1.1 ${status} X${json({ response_code: status })}\u001d`).join('');
  const printed = { requestIds: ['a', 'b'], stdout, stderr: '', exitCode: 0 };
  const calls = await withTape(recorded(printed), () => curlTimes('kubectl', from, 2, 'x:8000/'));
  expect(calls.map(({ status, requestId, command }) => [status, requestId, command])).toEqual([
    [200, 'a', 'curl x:8000/'],
    [503, 'b', 'curl x:8000/'],
  ]);
  // As runs were recorded once.
  expect(await withTape(recorded(calls), () => curlTimes('kubectl', from, 2, 'x:8000/'))).toEqual(calls);
});

test('behind a slow call the others are made at the same time, and told in order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'meshproof-curl-'));
  const program = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(folder, name), 0o755);
    return join(folder, name);
  };
  try {
    // The first of five is slow; each says which call it was.
    const slow = `[ -f ${folder}/called ] || { : > ${folder}/called; sleep 3.2; }`;
    const answer = `printf 'HTTP/1.1 200 OK\\r\\n\\r\\n%s' "$2"; printf '${json({})}\u001d'`;
    await program('curl', `${slow}; ${answer}`);
    const kubectl = await program(
      'kubectl',
      `while [ "$1" != -- ]; do shift; done; shift; PATH=${folder}:$PATH exec "$@"`,
    );
    const from = { cluster: 'west', kubeconfig: '', context: '', namespace: 'foo', pod: 'sleep-1', container: 'sleep' };
    const begun = performance.now();
    const calls = await curlTimes(kubectl, from, 5, 'x');
    expect(calls.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(calls.map(({ body }) => body)).toEqual(calls.map(({ requestId }) => `x-request-id: ${requestId}`));
    expect(performance.now() - begun).toBeLessThan(6_000);
  } finally {
    await rm(folder, { recursive: true });
  }
});
