import { clientIdentity, expect, pageSample, replacements, scenario } from '../../harness/index.ts';

/** Walkthrough: "Send remote traffic via an egress gateway", tab "hostname": endpoints by name, resolution DNS. */
export default scenario(
  {
    id: 'egress-gateway/hostname',
    section: 'Send remote traffic via an egress gateway › hostname',
    claims: {
      'call-succeeds': 'the call succeeds, with the identity of sleep',
      'sidecar-to-egress': 'the sidecar sends to the egress gateway by its host name, and knows no other endpoint',
      'egress-to-peer': 'the egress gateway sends this SNI to the peer’s gateway, and nowhere else',
      'passed-both': 'as much traffic passed through both gateways under this SNI meanwhile',
      'all-to-address': 'all of twenty requests went to the address behind the host name',
    },
    needs: { ...pageSample.needs, egressGateway: true, reads: ['access log', 'counters'] },
    replaced: [replacements.networkView, replacements.sniRewrite],
    walkthrough: [
      {
        step: 'declare',
        runs: 'send-remote-traffic-via-an-egress-gateway.3',
        instead:
          'The page’s entry, with a network view and the label tlsMode for each endpoint, as today’s Istio needs them.',
      },
    ],
  },
  async (run) => {
    const { step, claim } = run;
    const { sleep, connectThroughEgress } = await pageSample.deploy(run);
    const declares = 'replace the ServiceEntry: resolution DNS, the egress gateway by its host name';
    const { egress, path, toEgress, toPeer } = await connectThroughEgress('DNS', declares);

    const { calls, moved, upstreams } = await step('call', 'call the service twenty times', () => path.call(20));
    await claim('call-succeeds', () => {
      for (const call of calls) expect(call).toHaveStatus(200);
      expect(calls.map((call) => clientIdentity(call)?.uri)).toEqual(calls.map(() => sleep.identity));
    });
    await claim('sidecar-to-egress', async () => {
      await expect(() => path.inSidecar()).toEventuallyReachTheEnd();
      expect((await sleep.proxy.configDump()).cluster(path.cluster)?.type).toBe('STRICT_DNS');
      await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(path.cluster, [toEgress]);
    });
    await claim('egress-to-peer', async () => {
      await expect(() => path.inEgress()).toEventuallyReachTheEnd();
      await expect(() => egress.proxy.configDump()).toAlwaysHaveEndpoints(path.sni, [toPeer]);
    });
    await claim('passed-both', () => {
      expect(moved).toHaveCarriedTraffic(calls.length);
    });
    await claim('all-to-address', async () => {
      expect(await upstreams()).toEqual({ [`${egress.address}:${egress.port}`]: 20 });
    });
  },
);
