import { describe, expect, test } from 'vitest';
import { istioOperator } from './operator.ts';

const said = (envoy: 'istio' | 'upstream'): string =>
  JSON.stringify(istioOperator({ cluster: 'west', hub: 'istio', tag: '1.31.0', envoy }));

describe('istiod is told which filters its proxies have', () => {
  test('all of them, when they run Istio’s own Envoy', () => {
    expect(said('istio')).not.toMatch(/ALPN|METADATA_EXCHANGE|MX_ALPN|"telemetry"/);
  });

  test('none of Istio’s own, when they run upstream’s', () => {
    const text = said('upstream');
    for (const name of ['PILOT_ENABLE_ALPN_FILTER', 'PILOT_ENABLE_METADATA_EXCHANGE'])
      expect(text).toContain(`{"name":"${name}","value":"false"}`);
    expect(text).toContain('{"name":"PILOT_DISABLE_MX_ALPN","value":"true"}');
    expect(text).toContain('"telemetry":{"enabled":false}');
  });
});
