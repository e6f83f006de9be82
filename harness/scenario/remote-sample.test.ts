import { expect, test } from 'vitest';
import { checkServiceAddress } from '../mesh/service-rules.ts';
import { DeployedSample } from './deployed-sample.ts';
import { FailoverSample } from './failover-sample.ts';
import type { MeshCluster } from './mesh-cluster.ts';
import { pageSample, RemoteSample } from './remote-sample.ts';
import type { SampleRun } from './sample.ts';
import type { Gateway, Workload } from './workload.ts';

test('a sample has namespaces, a host and an address that follow from its name, and says so in its needs', () => {
  const [one, again, other] = [new RemoteSample('one'), new RemoteSample('one'), new RemoteSample('other')];
  expect(one.needs).toEqual({
    clusters: 2,
    loadBalancer: true,
    namespaces: ['one-client', 'one-server'],
    hosts: [one.service],
  });
  expect(one.service.host).toBe('httpbin.one-server.global');
  expect(again.service).toEqual(one.service);
  expect(other.service.address).not.toBe(one.service.address);
  expect(one.another('ledger').address).not.toBe(one.service.address);
  for (const { address, host } of [one.service, other.service, one.another('ledger')]) {
    expect(checkServiceAddress(address, host)).toBeUndefined();
    // The page's own addresses, and those that istiod allots by itself, begin with 240.
    expect(address).toMatch(/^24[1-9]\./);
  }
});

test('the page’s sample has the words that the page prints', () => {
  const { metadata, spec } = pageSample.remote({ endpoints: [{ address: '172.18.200.1' }] }) as unknown as {
    metadata: object;
    spec: object;
  };
  expect(metadata).toEqual({ name: 'httpbin-bar', namespace: 'foo' });
  expect(spec).toMatchObject({ hosts: ['httpbin.bar.global'], addresses: ['240.0.0.2'], resolution: 'DNS' });
  expect(pageSample.exposed({ httpbinPort: 8080 }).metadata).toEqual({ name: 'httpbin-bar-global', namespace: 'bar' });
});

test('a failover sample lives in one namespace of both clusters', () => {
  const sample = new FailoverSample('ha');
  expect(sample.needs.namespaces).toEqual(['ha']);
  expect(sample.url('/hostname')).toBe('http://httpbin.ha.global:8000/hostname');
});

/** A deployed sample whose clusters and proxies do nothing, and what it did under which key. */
function deployed(pods = ['']): { readonly sample: DeployedSample; readonly done: string[] } {
  const done: string[] = [];
  const cluster = (name: string): MeshCluster =>
    ({
      name,
      httpbinPort: 8080,
      apply: (...objects: { metadata: { name: string } }[]) => {
        done.push(`${name} applies ${objects.map(({ metadata }) => metadata.name).join(' and ')}`);
        return Promise.resolve();
      },
      egressGateway: () => Promise.resolve({ ...gateway('10.0.0.9'), hostname: 'egress.istio-system' }),
    }) as unknown as MeshCluster;
  const proxy = (name: string): object => ({ name, holdsPath: () => Promise.resolve(void done.push(`${name} holds`)) });
  const gateway = (address: string): Gateway => {
    const proxies = pods.map((pod) => proxy(`gateway ${address}${pod}`));
    const everyProxy = (): Promise<object[]> => Promise.resolve(proxies);
    return { proxy: proxies[0], everyProxy, address, port: 15443, topology: 'replicated' } as unknown as Gateway;
  };
  const workload = { proxy: proxy('sidecar') } as unknown as Workload;
  const run: SampleRun = {
    client: cluster('client'),
    server: cluster('server'),
    step: async (key, _title, work) => {
      done.push(key);
      return await work();
    },
  };
  const parts = { sleep: workload, httpbin: workload, gateway: gateway('172.18.200.1') };
  return { sample: new DeployedSample(new RemoteSample('one'), run, parts), done };
}

test('connect lets both clusters know the service and waits for every proxy of the path, step by step', async () => {
  const { sample, done } = deployed();
  const path = await sample.connect();
  expect(done).toEqual([
    'expose',
    'server applies httpbin-one-server-global',
    'declare',
    'client applies httpbin-one-server',
    'hold',
    'sidecar holds',
    'gateway 172.18.200.1 holds',
  ]);
  expect([path.endpoint, path.url()]).toEqual(['172.18.200.1:15443', 'httpbin.one-server.global:8000/']);
});

test('the barrier waits for each pod of a gateway', async () => {
  const { sample, done } = deployed([' pod 1', ' pod 2']);
  await sample.connect();
  expect(done.filter((line) => line.endsWith(' holds'))).toEqual([
    'sidecar holds',
    'gateway 172.18.200.1 pod 1 holds',
    'gateway 172.18.200.1 pod 2 holds',
  ]);
});

test('the path leads to the endpoint that is given; of several the gateway is the one to the peer', async () => {
  const { sample } = deployed();
  const node = await sample.connect({ endpoints: [{ address: '172.18.0.3', port: 30443 }] });
  expect(node.endpoint).toBe('172.18.0.3:30443');
  const both = [{ address: '10.0.0.1', port: 8000 }, { address: '172.18.200.1' }];
  expect((await sample.connect({ endpoints: both })).endpoint).toBe('172.18.200.1:15443');
});

test('another service of the same pods has steps of its own', async () => {
  const { sample, done } = deployed();
  const service = new RemoteSample('one').another('tcp', { name: 'tcp', number: 9000, protocol: 'TCP' });
  const path = await sample.connect({ other: { name: 'tcp', service } });
  expect(done.filter((line) => /^[a-z-]+$/.test(line))).toEqual(['expose-tcp', 'declare-tcp', 'hold-tcp']);
  expect(path.sni).toBe('outbound_.9000_._.tcp.one-server.global');
});

test('the sidecar leads to the egress gateway by address or by name, and the path has three proxies', async () => {
  for (const [resolution, toEgress] of [
    ['STATIC', '10.0.0.9:15443'],
    ['DNS', 'egress.istio-system:15443'],
  ] as const) {
    const { sample, done } = deployed();
    const found = await sample.connectThroughEgress(resolution, 'lead it through the egress gateway');
    expect([found.toEgress, found.toPeer, found.path.endpoint]).toEqual([toEgress, '172.18.200.1:15443', toEgress]);
    expect(done.filter((line) => line.endsWith(' holds'))).toEqual([
      'sidecar holds',
      'gateway 10.0.0.9 holds',
      'gateway 172.18.200.1 holds',
    ]);
  }
});
