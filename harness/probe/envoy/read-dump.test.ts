import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConfigDump } from './config-dump.ts';
import { parseSpan, spansIn } from './json-spans.ts';
import { readDump } from './read-dump.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const dump = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/config-dumps/${name}.json`, import.meta.url), 'utf8');

describe('parts of a JSON text', () => {
  test.each([
    '[]',
    '{}',
    ' [ 1 , -2.5e3 , true , null , "a" ] ',
    '{"a":{"b":[1,{"c":"]}"}]},"d\\"e":"\\\\","f":"\\\\\\""}',
    '["通信 \\u0000 \\ud83d\\ude00",[[[]]],{"x":{}}]',
  ])('are those that parsing it whole finds: %s', (text) => {
    const whole: unknown = JSON.parse(text);
    const parts = [...spansIn(bytes(text), 0)].map((span) => [span.key, parseSpan(bytes(text), span)]);
    expect(parts).toEqual(
      Array.isArray(whole) ? whole.map((part: unknown) => [undefined, part]) : Object.entries(whole as object),
    );
  });

  test('a text that ends anywhere before its end is broken, and says where', () => {
    const text = '{"a":[1,"b\\"",{"c":null}],"d":2}';
    for (let length = 0; length < text.length; length += 1)
      expect(
        () => {
          for (const span of spansIn(bytes(text.slice(0, length)), 0)) parseSpan(bytes(text.slice(0, length)), span);
        },
        text.slice(0, length),
      ).toThrow(SyntaxError);
    expect(() => [...spansIn(bytes('[1 2]'), 0)]).toThrow('byte 3 of 5: expected a comma');
    expect(() => [...spansIn(bytes('{"a" 1}'), 0)]).toThrow('a colon');
    expect(() => [...spansIn(bytes('[,]'), 0)]).toThrow('a value');
  });

  test('a deep text takes no stack', () => {
    const depth = 200_000;
    const [span] = [...spansIn(bytes(`[${'['.repeat(depth)}${']'.repeat(depth)}]`), 0)];
    expect(span?.end).toBe(1 + 2 * depth);
  });
});

describe('a dump read resource by resource', () => {
  test.each(['sleep', 'ingress-gateway'])('says the same as one that is parsed whole: %s', (name) => {
    const text = dump(name);
    const [whole, streamed] = [ConfigDump.parse(JSON.parse(text), name), readDump(bytes(text), name)];
    expect(streamed.node).toBe(whole.node);
    expect(streamed.versions).toEqual(whole.versions);
    expect(streamed.inventory()).toEqual(whole.inventory());
    expect(streamed.secretNames).toEqual(whole.secretNames);
    expect(streamed.secretNames.map((secret) => streamed.certificatesOf(secret))).toEqual(
      whole.secretNames.map((secret) => whole.certificatesOf(secret)),
    );
    expect(streamed.clusters.map((cluster) => streamed.upstreamTls(cluster))).toEqual(
      whole.clusters.map((cluster) => whole.upstreamTls(cluster)),
    );
    expect([streamed.warming, streamed.rejections]).toEqual([whole.warming, whole.rejections]);
  });

  test('one that is cut off is reported with the byte, one of another shape with the field', () => {
    const text = dump('sleep');
    const cut = text.slice(0, text.length / 2);
    expect(() => readDump(bytes(cut), 'x')).toThrow(
      expect.objectContaining({
        code: 'MP703',
        details: expect.objectContaining({ seen: expect.stringMatching(/byte \d+ of \d+: .*cut off/) }),
      }),
    );
    for (const other of ['{}', '{"configs":{}}', '{"configs":[{"x":1}]}', '[]', 'no JSON', '', '{"configs":[1]}'])
      expect(() => readDump(bytes(other), 'x'), other).toThrow(expect.objectContaining({ code: 'MP703' }));
  });
});
