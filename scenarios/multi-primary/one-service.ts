import { expect, outboundCluster, RemotePath, scenario } from '../../harness/index.ts';

const namespace = 'both';
const host = `httpbin.${namespace}.svc.cluster.local`;
const port = { name: 'http', number: 8000, protocol: 'HTTP' } as const;
const calls = 40;

/**
 * Istio's "Install Multi-Primary on different networks" › "Verify the installation", and the two ways in which it
 * only seems to work.
 */
export default scenario(
  {
    id: 'multi-primary/one-service',
    section: 'Multi-primary on different networks › Verify the installation',
    claims: {
      endpoints:
        'the sidecar knows the pod of its own cluster and the peer’s gateway on 15443, but no address of a remote pod',
      'both-answer': 'the service answers from both clusters',
      'no-hairpin': 'no hairpin: each gateway’s SNI cluster contains only the pods of its own cluster',
      'no-loop': 'no loop: the calls open no more connections in each gateway than there are calls',
    },
    needs: { clusters: 2, loadBalancer: true, topologies: ['multi-primary'], namespaces: [namespace] },
  },
  async ({ client, server, step, claim }) => {
    const [sleep, near, far] = await step('deploy', 'deploy httpbin in both clusters, and sleep in the first', () =>
      Promise.all([client.deploySleep(namespace), client.deployHttpbin(namespace), server.deployHttpbin(namespace)]),
    );
    const [own, peer] = await step('find-gateways', 'find both gateways', () =>
      Promise.all([client.ingressGateway(), server.ingressGateway()]),
    );
    const { address } = await client.service(namespace, 'httpbin');
    const local = `${near.address}:${client.httpbinPort}`;
    const path = new RemotePath({ client: sleep, service: { host, address, port }, gateway: peer, beside: [local] });
    await step('hold', 'wait until the sidecar and the peer’s gateway hold the path', () => path.held());

    await claim('endpoints', async () => {
      const known = [local, `${peer.address}:15443`];
      await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(outboundCluster(host, port.number), known);
    });
    const { value: answers, moved } = await step('call', `call the service ${calls} times`, () =>
      path.watch(() => sleep.curlTimes(calls, `${host}:${port.number}/hostname`)),
    );
    await claim('both-answer', () => {
      for (const answer of answers) expect(answer).toHaveStatus(200);
      const [stayed, crossed] = [near, far].map(({ pod }) => answers.filter(({ body }) => body.includes(pod)).length);
      expect((stayed ?? 0) + (crossed ?? 0)).toBe(calls);
      expect(stayed).toBeWithin({ low: 1, high: calls - 1 });
      expect(moved).toHaveCarriedTraffic();
      return `${stayed ?? 0} stayed, ${crossed ?? 0} crossed`;
    });
    await claim('no-hairpin', async () => {
      for (const [{ proxy }, { address: pod }] of [
        [own, near],
        [peer, far],
      ] as const) {
        const pods = [`${pod}:${server.httpbinPort}`];
        await expect(() => proxy.configDump()).toAlwaysHaveEndpoints(path.sni, pods);
      }
    });
    await claim('no-loop', () => {
      for (const { before, after } of moved)
        expect(after.connections - before.connections).toBeWithin({ low: 1, high: calls });
    });
  },
);
