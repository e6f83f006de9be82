import { expect } from 'vitest';
import { scenario } from '../harness/scenario/scenario.ts';

/** Walkthrough: "Prerequisites" and "Deploy the Istio control plane in each cluster". */
export default scenario(
  {
    id: 'prerequisites',
    section: 'Prerequisites',
    claims: {
      'own-api-servers': 'two clusters answer, each with an API server of its own',
      'cluster-admin': 'the user is cluster-admin in each cluster',
      'gateways-reachable': 'each ingress gateway has an address that the peer reaches',
      'common-root': 'all clusters trust one common root CA',
      'own-intermediates': 'each cluster signs with an intermediate of its own',
    },
    plays: 'first',
    needs: { clusters: 2, loadBalancer: true, namespaces: ['foo', 'bar'] },
    walkthrough: [
      {
        step: 'cluster-admin',
        runs: 'deploy-the-Istio-control-plane-in-each-cluster.1',
        instead: 'The binding is needed only where the user is not cluster-admin yet; this asks the API server whether there is anything the user may not do.',
      },
    ],
  },
  async ({ client, server, step, claim }) => {
    const clusters = [client, server];
    await claim('own-api-servers', async () => {
      const [first, second] = await Promise.all(clusters.map((cluster) => cluster.uid()));
      expect(first).toMatch(/^[0-9a-f-]{36}$/);
      expect(second).not.toBe(first);
    });
    await claim('cluster-admin', async () => {
      for (const cluster of clusters) expect(await cluster.mayDoEverything(), `cluster ${cluster.name}`).toBe(true);
    });

    const [sleep, httpbin] = await step('deploy', 'deploy sleep and httpbin', () => Promise.all([client.deploySleep('foo'), server.deployHttpbin('bar')]));
    const [clientGateway, serverGateway] = await step('find-gateways', 'find the gateways', () => Promise.all([client.ingressGateway(), server.ingressGateway()]));
    await claim('gateways-reachable', async () => {
      expect(clientGateway.address).not.toBe(serverGateway.address);
      await expect(() => clientGateway.curl(`http://${serverGateway.address}:15021/healthz/ready`)).toEventuallyHaveStatus(200);
      await expect(() => serverGateway.curl(`http://${clientGateway.address}:15021/healthz/ready`)).toEventuallyHaveStatus(200);
    });

    const [inClient, inServer] = await step('read-certificates', 'read the certificates that the sidecars use', () => Promise.all([sleep.proxy.configDump(), httpbin.proxy.configDump()]));
    await claim('common-root', () => {
      const [root] = inClient.certificatesOf('ROOTCA');
      expect(root?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(inServer.certificatesOf('ROOTCA').map(({ fingerprint }) => fingerprint)).toEqual([root?.fingerprint]);
    });
    await claim('own-intermediates', () => {
      const [leafClient, intermediateClient] = inClient.certificatesOf('default');
      const [leafServer, intermediateServer] = inServer.certificatesOf('default');
      // By signature, up to the root that the peers trust; a name in a certificate proves nothing.
      for (const dump of [inClient, inServer]) expect(dump.chainGaps('default', 'ROOTCA')).toEqual([]);
      expect(leafClient?.fingerprint).not.toBe(intermediateClient?.fingerprint);
      expect(leafServer?.fingerprint).not.toBe(intermediateServer?.fingerprint);
      expect(intermediateServer?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(intermediateServer?.fingerprint).not.toBe(intermediateClient?.fingerprint);
    });
  },
);
