import { expect, test } from 'vitest';
import { parseAccessLog, untraced } from './access-log.ts';
import { upstreamsOf } from './flow.ts';

const line = (id: string, host: string): string =>
  JSON.stringify({
    start_time: '2026-11-24T11:20:14.617Z',
    request_id: id,
    response_code: 200,
    upstream_host: host,
    requested_server_name: null,
  });

test('access log lines are found among what else the container prints', () => {
  const entries = parseAccessLog(
    '2026-11-24T11:20:14Z info xdsproxy ' +
      `connected\n${line('a', '10.0.0.1:15443')}\n{"other":"json"}\n${line('b', '10.0.0.2:15443')}\n`,
  );
  expect(entries.map(({ request_id }) => request_id)).toEqual(['a', 'b']);
  expect(upstreamsOf(entries)).toEqual({ '10.0.0.1:15443': 1, '10.0.0.2:15443': 1 });
});

test('a request that Envoy samples for tracing keeps its identity', () => {
  // Both ids are of one real request: as curl sent it, and as the sidecar logged it.
  expect(untraced('ae4e7f77-fc6d-9e02-aef1-dbbcdfff60c5')).toBe(untraced('ae4e7f77-fc6d-4e02-aef1-dbbcdfff60c5'));
  expect(untraced('ae4e7f77-fc6d-4e02-aef1-dbbcdfff60c5')).not.toBe(untraced('ae4e7f77-fc6d-4e02-aef1-dbbcdfff60c6'));
});

test('a line of another shape is an error, not a silence', () => {
  expect(() => parseAccessLog('{"start_time":1,"response_code":200}')).toThrow(
    expect.objectContaining({ code: 'MP703' }),
  );
});
