import { expect, test } from 'vitest';
import type { EnvironmentCluster } from './environment.ts';
import { unmetNeed } from './needs.ts';

const cluster = (name: string, gateway: EnvironmentCluster['gateway']): EnvironmentCluster => ({
  name,
  kubeconfig: '',
  context: name,
  gateway,
});
const own = { address: '192.0.2.1', kind: 'ip' } as const;
const lacking = (loadBalancer: boolean | undefined, gateway: EnvironmentCluster['gateway']) =>
  unmetNeed(
    { clusters: 2, namespaces: [], ...(loadBalancer === undefined ? {} : { loadBalancer }) },
    {
      provider: 'existing',
      topology: 'replicated',
      clusters: [cluster('west', own), cluster('east', gateway)],
    },
    () => Promise.resolve(true),
    () => Promise.resolve(undefined),
  );

test('a gateway with node ports only serves scenarios that need no load balancer', async () => {
  const byNodePort = { ...own, nodePorts: { tls: 31443 } };
  expect(await lacking(true, byNodePort)).toBe(
    'needs a gateway with an address of its own, and that of east has node ports only',
  );
  expect(await lacking(true, own)).toBeUndefined();
  for (const needed of [false, undefined]) expect(await lacking(needed, byNodePort)).toBeUndefined();
});
