import { expect, test } from 'vitest';
import { moduleFile } from './build-go.ts';

test.each(['/home/me/istio', '/home/me/my istio (old), really', '/home/me/a"b`c//d'])(
  'the module around a folder of sources names it as go.mod wants it: %s',
  (sources) => {
    const lines = moduleFile({ id: 'istio', module: 'istio.io/istio', sources }, 'v0.0.0', 'go 1.25.0').split('\n');
    const [, , , , required, replaced = ''] = lines;
    expect(required).toBe('require istio.io/istio v0.0.0');
    expect(replaced).toMatch(/^replace istio\.io\/istio => "/);
    expect(JSON.parse(replaced.slice(replaced.indexOf('"')))).toBe(sources);
  },
);
