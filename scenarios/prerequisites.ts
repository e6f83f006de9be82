import { expect, pageSample, scenario, type MeshCluster } from '../harness/index.ts';
import { apiMessage } from '../harness/cluster/api-errors.ts';
import { MeshproofError } from '../harness/errors/meshproof-error.ts';

/** Who a cluster says it is, or what its silence looks like: a cluster that does not answer refutes the claim. */
const answerOf = (cluster: MeshCluster): Promise<string> =>
  cluster.uid().catch((error: unknown) => {
    if (error instanceof MeshproofError) throw error;
    return `${cluster.name} does not answer: ${apiMessage(error)}`;
  });

/** Walkthrough: "Prerequisites" and "Deploy the Istio control plane in each cluster". */
export default scenario(
  {
    id: 'prerequisites',
    section: 'Prerequisites',
    claims: {
      'own-api-servers': 'two clusters answer, each with its own API server',
      'cluster-admin': 'the user is cluster-admin in each cluster',
      'gateways-reachable': 'each ingress gateway has an address that the peer can reach',
      'common-root': 'all clusters trust one common root CA',
      'own-intermediates': 'each cluster signs with its own intermediate CA',
    },
    plays: 'first',
    needs: { clusters: 2, loadBalancer: true, namespaces: pageSample.needs.namespaces },
    walkthrough: [
      {
        step: 'cluster-admin',
        runs: 'deploy-the-Istio-control-plane-in-each-cluster.1',
        instead:
          'Only a user who is not yet cluster-admin needs the binding. This asks the API server whether the user is.',
      },
    ],
  },
  async (run) => {
    const { client, server, step, claim } = run;
    await claim('own-api-servers', async () => {
      const [first, second] = await Promise.all([client, server].map(answerOf));
      for (const uid of [first, second]) expect(uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(second).not.toBe(first);
    });
    await claim('cluster-admin', async () => {
      for (const cluster of [client, server])
        expect(await cluster.mayDoEverything(), `cluster ${cluster.name}`).toBe(true);
    });

    const { sleep, httpbin, gateway: theirs } = await pageSample.deploy(run);
    const ours = await step('find-own-gateway', 'find the gateway address of the first cluster', () =>
      client.ingressGateway(),
    );
    await claim('gateways-reachable', async () => {
      expect(ours.address).not.toBe(theirs.address);
      await expect(() => ours.curl(`http://${theirs.address}:15021/healthz/ready`)).toEventuallyHaveStatus(200);
      await expect(() => theirs.curl(`http://${ours.address}:15021/healthz/ready`)).toEventuallyHaveStatus(200);
    });

    const [here, there] = await step('read-certificates', 'read the certificates that the sidecars use', () =>
      Promise.all([sleep.proxy.configDump(), httpbin.proxy.configDump()]),
    );
    await claim('common-root', () => {
      const [root] = here.certificatesOf('ROOTCA');
      expect(root?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(there.certificatesOf('ROOTCA').map(({ fingerprint }) => fingerprint)).toEqual([root?.fingerprint]);
    });
    await claim('own-intermediates', () => {
      const [leafHere, issuerHere] = here.certificatesOf('default');
      const [leafThere, issuerThere] = there.certificatesOf('default');
      // By signature, up to the root that the peers trust; a name in a certificate proves nothing.
      for (const dump of [here, there]) expect(dump.chainGaps('default', 'ROOTCA')).toEqual([]);
      expect(leafHere?.fingerprint).not.toBe(issuerHere?.fingerprint);
      expect(leafThere?.fingerprint).not.toBe(issuerThere?.fingerprint);
      expect(issuerThere?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(issuerThere?.fingerprint).not.toBe(issuerHere?.fingerprint);
    });
  },
);
