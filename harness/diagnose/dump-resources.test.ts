import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { resourcesOf } from './dump-resources.ts';

const recorded = await readFile(new URL('../../fixtures/config-dumps/ingress-gateway.json', import.meta.url), 'utf8');
const dump = (text: string = recorded): unknown => JSON.parse(text);

describe('what a proxy holds', () => {
  test('names its clusters, its listeners and their filter chains', () => {
    const lines = resourcesOf(dump());
    expect(lines).toContainEqual(
      expect.stringMatching(/^cluster outbound_\.8000_\._\.httpbin\.bar\.\S+ [0-9a-f]{12}$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^listener 0\.0\.0\.0_15443 [0-9a-f]{12}$/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^filter chain 0\.0\.0\.0_15443 outbound_\.8000_\._\.httpbin\.bar\.\S+ [0-9a-f]{12}$/),
    );
  });

  test('is the same after another push of the same', () => {
    const later = recorded
      .replaceAll(/"last_updated": ?"[^"]*"/g, '"last_updated":"2030-01-01T00:00:00.000Z"')
      .replaceAll(/"version_info": ?"[^"]*"/g, '"version_info":"2030-01-01T00:00:00Z/99"');
    expect(resourcesOf(dump(later))).toEqual(resourcesOf(dump()));
  });

  test('is the same in another process of Envoy, which orders maps in its own way', () => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([key, inner]) => [key, reversed(inner)]),
            )
          : value;
    expect(resourcesOf(reversed(dump()))).toEqual(resourcesOf(dump()));
  });

  test('is another when a connection may take longer', () => {
    const changed = recorded.replace(/"connect_timeout": ?"10s"/, '"connect_timeout":"1s"');
    const lines = resourcesOf(dump());
    expect(resourcesOf(dump(changed)).filter((line) => !lines.includes(line))).toHaveLength(1);
  });

  test('knows virtual hosts by their names, and not by the addresses of Services', () => {
    const routes = (address: string, host: string): unknown => ({
      configs: [
        {
          '@type': 'type.googleapis.com/envoy.admin.v3.RoutesConfigDump',
          dynamic_route_configs: [
            { route_config: { name: '80', virtual_hosts: [{ name: 'a', domains: [host, address, `${address}:80`] }] } },
          ],
        },
      ],
    });
    const lines = resourcesOf(routes('10.96.0.1', 'a.b'));
    expect(lines).toEqual([expect.stringMatching(/^virtual host 80 a [0-9a-f]{12}$/)]);
    expect(resourcesOf(routes('10.96.0.2', 'a.b'))).toEqual(lines);
    expect(resourcesOf(routes('10.96.0.1', 'a.c'))).not.toEqual(lines);
  });

  test('is nothing where there is no dump', () => {
    expect(resourcesOf(undefined)).toEqual([]);
    expect(resourcesOf({ configs: 'x' })).toEqual([]);
  });
});
