import { expect, hostnameFor, RemoteSample, replacements, scenario } from '../harness/index.ts';

const sample = new RemoteSample('load-balancer');
const { client: namespace } = sample.namespaces;
const hostname = `peer-gateway.${namespace}.svc.cluster.local`;

/** Walkthrough: "This command assumes an IP; if your load balancer has a host name, use it directly". */
export default scenario(
  {
    id: 'load-balancer-hostname',
    section: 'Configure the example services › a load balancer with a host name',
    claims: {
      'call-succeeds': 'the call succeeds with a host name instead of the gateway’s IP address',
      'strict-dns': 'the sidecar resolves the name itself: a STRICT_DNS cluster with that name as its only endpoint',
      'all-to-address': 'all traffic went to the address behind the name, and passed through the peer’s gateway',
    },
    needs: { ...sample.needs, reads: ['access log', 'counters'], toItself: ['the cluster’s DNS'] },
    replaced: [replacements.sniRewrite],
  },
  async (run) => {
    const { client, step, claim } = run;
    const { sleep, gateway, connect } = await sample.deploy(run);
    const { address, port } = gateway;
    await step('name-gateway', 'give that address a host name, as a cloud load balancer does', () =>
      client.apply(...hostnameFor({ name: 'peer-gateway', namespace, address, port })),
    );
    const path = await connect({
      endpoints: [{ address: hostname }],
      says: 'create the ServiceEntry with the host name as its endpoint',
    });

    const { calls, moved, upstreams } = await step('call', 'call the service ten times', () => path.call(10));
    await claim('call-succeeds', () => {
      for (const call of calls) expect(call).toHaveStatus(200);
    });
    await claim('strict-dns', async () => {
      expect((await sleep.proxy.configDump()).cluster(path.cluster)?.type).toBe('STRICT_DNS');
      await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(path.cluster, [path.endpoint]);
    });
    await claim('all-to-address', async () => {
      expect(await upstreams()).toEqual({ [`${address}:${port}`]: 10 });
      expect(moved).toHaveCarriedTraffic(calls.length);
    });
  },
);
