import { describe, expect, test } from 'vitest';
import { exportServices, globalHost, hostsOf, type FleetCluster, type FleetService } from './fleet-services.ts';
import { checkDistinctAddresses } from './service-rules.ts';

const service = (namespace: string, name: string): FleetService => ({
  namespace,
  name,
  selector: { app: name },
  ports: [
    { name: 'http', number: 8000, protocol: 'HTTP', targetPort: 8080 },
    { name: 'tcp-admin', number: 9000, protocol: 'TCP', targetPort: 9000 },
  ],
});
const cluster = (name: string, address: string, ...services: FleetService[]): FleetCluster => ({
  name,
  gateway: { address, kind: address.includes('example') ? 'hostname' : 'ip' },
  services,
});
const fleet = [
  cluster('west', '192.0.2.1', service('foo', 'orders'), service('shared', 'ledger')),
  cluster('east', '192.0.2.2', service('bar', 'httpbin'), service('shared', 'ledger')),
  cluster('north', 'gw.north.example', service('bar', 'httpbin')),
];
const addresses = Object.fromEntries(hostsOf(fleet).map((host, index) => [host, `240.64.0.${index + 1}`]));

interface Spec {
  hosts: string[];
  addresses?: string[];
  resolution: string;
  endpoints?: { address: string; ports: Record<string, number> }[];
  workloadSelector?: { labels: Record<string, string> };
  ports: object[];
}
const entries = (name: string): { host: string; namespace: string | undefined; spec: Spec }[] =>
  (exportServices(fleet, addresses, 'istio-system', 'all')[name] ?? []).map(({ metadata, spec }) => ({
    host: (spec as Spec).hosts[0] ?? '',
    namespace: metadata.namespace,
    spec: spec as Spec,
  }));

describe('the ServiceEntry set of a fleet', () => {
  test('each cluster has every host once, and each host one address in all of them', () => {
    for (const { name } of fleet) {
      expect(
        entries(name)
          .map(({ host }) => host)
          .sort(),
      ).toEqual(['httpbin.bar.global', 'ledger.shared.global', 'orders.foo.global']);
      expect(() => {
        checkDistinctAddresses(entries(name).map(({ host, spec }) => ({ host, address: spec.addresses?.[0] ?? '' })));
      }).not.toThrow();
      for (const { host, spec } of entries(name)) expect(spec.addresses).toEqual([addresses[host]]);
    }
  });

  test('what a cluster has is served by its own pods; what others have, by their gateways on 15443, all ports', () => {
    const west = entries('west');
    expect(west.find(({ host }) => host === 'ledger.shared.global')).toMatchObject({
      namespace: 'shared',
      spec: { workloadSelector: { labels: { app: 'ledger' } } },
    });
    expect(west.find(({ host }) => host === 'httpbin.bar.global')).toMatchObject({
      namespace: 'istio-system',
      spec: {
        endpoints: [
          { address: '192.0.2.2', ports: { http: 15443, 'tcp-admin': 15443 } },
          { address: 'gw.north.example', ports: { http: 15443, 'tcp-admin': 15443 } },
        ],
      },
    });
  });

  test('a gateway with a host name is looked up, one with an address is not', () => {
    const spec = (host: string): string | undefined =>
      entries('west').find((entry) => entry.host === host)?.spec.resolution;
    expect(spec('httpbin.bar.global')).toBe('DNS');
    expect(entries('north').find(({ host }) => host === 'orders.foo.global')?.spec.resolution).toBe('STATIC');
  });

  test('is the same text in every run, whatever the order in which clusters list their services', () => {
    const shuffled = fleet.map((one) => ({ ...one, services: [...one.services].reverse() }));
    expect(exportServices(shuffled, addresses, 'istio-system', 'all')).toEqual(
      exportServices(fleet, addresses, 'istio-system', 'all'),
    );
    expect(globalHost({ name: 'a', namespace: 'b' })).toBe('a.b.global');
  });
});
