import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterApi } from '../cluster/cluster-api.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { ApiServer } from '../cluster/stand-in/api-server.ts';
import { inhabitedCluster } from '../cluster/stand-in/inhabited.ts';
import { kubeconfigFor } from '../cluster/stand-in/kubeconfig.ts';
import { reachedAt } from './install.ts';

const name = 'istio-ingressgateway';
let folder: string;
let server: ApiServer;
let api: ClusterApi;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
  server = await ApiServer.start(inhabitedCluster('192.0.2.1'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigFor({ a: server.url }));
  api = new ClusterApi({ name: 'west', kubeconfig, context: 'a', foreign: true });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const gatewayService = (spec: object, status: object = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'istio-system' },
  spec,
  status,
});
const ports = [
  { name: 'status-port', port: 15021, nodePort: 31021 },
  { name: 'tls', port: 15443, nodePort: 31443 },
];

describe('peers reach a gateway', () => {
  test('at the address that a load balancer gave it', async () => {
    expect(await reachedAt(api, name, { within: 1_000 })).toEqual({ address: '192.0.2.1', kind: 'ip' });
  });

  test('by node port, at once, where its Service asks for no load balancer', async () => {
    server.put(gatewayService({ type: 'NodePort', ports }));
    const node = { address: '192.0.2.9', kind: 'ip' };
    const nodePorts = { tls: 31443, health: 31021 };
    expect(await reachedAt(api, name, { within: 0 })).toEqual({ ...node, nodePorts });
    server.put(gatewayService({ type: 'NodePort', ports: ports.slice(1) }));
    expect(await reachedAt(api, name, { within: 0 })).toEqual({ ...node, nodePorts: { tls: 31443 } });
  });

  test.each([
    ['that asks for a load balancer', { type: 'LoadBalancer', ports }],
    ['without a port for peers', { type: 'NodePort', ports: ports.slice(0, 1) }],
  ])('at no address of a Service %s and is given none', async (_what, spec) => {
    server.put(gatewayService(spec));
    await expect(reachedAt(api, name, { within: 50 })).rejects.toMatchObject({
      code: 'MP604',
      details: { seen: `type ${spec.type}, address pending` },
    });
  });
});
