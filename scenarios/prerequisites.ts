import { expect } from 'vitest';
import { scenario } from '../harness/scenario/scenario.ts';

/** Walkthrough: "Prerequisites" and "Deploy the Istio control plane in each cluster". */
export default scenario(
  {
    id: 'prerequisites',
    section: 'Prerequisites',
    claims: [
      'two clusters answer, each with an API server of its own',
      'the user is cluster-admin in each cluster',
      'each ingress gateway has an address that the peer reaches',
      'all clusters trust one common root CA',
      'each cluster signs with an intermediate of its own',
    ],
    plays: 'first',
    needs: { clusters: 2, loadBalancer: true, namespaces: ['foo', 'bar'] },
    walkthrough: [
      {
        step: 'the user is cluster-admin in each cluster',
        runs: 'deploy-the-Istio-control-plane-in-each-cluster.1',
        instead: 'The binding is needed only where the user is not cluster-admin yet; this asks the API server whether there is anything the user may not do.',
      },
    ],
  },
  async ({ west, east, step, claim }) => {
    const clusters = [west, east];
    await claim('two clusters answer, each with an API server of its own', async () => {
      const [first, second] = await Promise.all(clusters.map((cluster) => cluster.uid()));
      expect(first).toMatch(/^[0-9a-f-]{36}$/);
      expect(second).not.toBe(first);
    });
    await claim('the user is cluster-admin in each cluster', async () => {
      for (const cluster of clusters) expect(await cluster.mayDoEverything(), `cluster ${cluster.name}`).toBe(true);
    });

    const [sleep, httpbin] = await step('deploy sleep and httpbin', () => Promise.all([west.deploySleep('foo'), east.deployHttpbin('bar')]));
    const [westGateway, eastGateway] = await step('find the gateways', () => Promise.all([west.ingressGateway(), east.ingressGateway()]));
    await claim('each ingress gateway has an address that the peer reaches', async () => {
      expect(westGateway.address).not.toBe(eastGateway.address);
      await expect(() => westGateway.curl(`http://${eastGateway.address}:15021/healthz/ready`)).toEventuallyHaveStatus(200);
      await expect(() => eastGateway.curl(`http://${westGateway.address}:15021/healthz/ready`)).toEventuallyHaveStatus(200);
    });

    const [inWest, inEast] = await step('read the certificates that the sidecars use', () => Promise.all([sleep.proxy.configDump(), httpbin.proxy.configDump()]));
    await claim('all clusters trust one common root CA', () => {
      const [root] = inWest.certificatesOf('ROOTCA');
      expect(root?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(inEast.certificatesOf('ROOTCA').map(({ fingerprint }) => fingerprint)).toEqual([root?.fingerprint]);
    });
    await claim('each cluster signs with an intermediate of its own', () => {
      const [leafWest, intermediateWest] = inWest.certificatesOf('default');
      const [leafEast, intermediateEast] = inEast.certificatesOf('default');
      // By signature, up to the root that the peers trust; a name in a certificate proves nothing.
      for (const dump of [inWest, inEast]) expect(dump.chainGaps('default', 'ROOTCA')).toEqual([]);
      expect(leafWest?.fingerprint).not.toBe(intermediateWest?.fingerprint);
      expect(leafEast?.fingerprint).not.toBe(intermediateEast?.fingerprint);
      expect(intermediateEast?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(intermediateEast?.fingerprint).not.toBe(intermediateWest?.fingerprint);
    });
  },
);
