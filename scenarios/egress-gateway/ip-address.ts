import { clientIdentity, expect, pageSample, replacements, scenario } from '../../harness/index.ts';

/** Walkthrough: "Send remote traffic via an egress gateway", tab "IP address". */
export default scenario(
  {
    id: 'egress-gateway/ip-address',
    section: 'Send remote traffic via an egress gateway › IP address',
    claims: {
      'call-succeeds': 'the call succeeds',
      identity: 'httpbin sees the identity of sleep: both gateways pass TLS through',
      'sidecar-to-egress': 'the sidecar sends to the egress gateway',
      'no-other-endpoint': 'the sidecar knows no other endpoint: no call can go direct',
      'egress-to-peer': 'the egress gateway sends this SNI to the peer’s gateway, and nowhere else',
      'passed-both': 'as much traffic passed through both gateways under this SNI meanwhile',
      'none-direct': 'none of twenty requests went direct',
    },
    needs: { ...pageSample.needs, egressGateway: true, reads: ['access log', 'counters'] },
    replaced: [replacements.networkView, replacements.sniRewrite],
    walkthrough: [
      { step: 'find-egress', runs: 'send-remote-traffic-via-an-egress-gateway.1' },
      {
        step: 'declare',
        runs: 'send-remote-traffic-via-an-egress-gateway.2',
        instead:
          'The page’s entry, with a network view and the label tlsMode for each endpoint, as today’s Istio needs them.',
      },
    ],
  },
  async (run) => {
    const { step, claim } = run;
    const { sleep, connectThroughEgress } = await pageSample.deploy(run);
    const declares = 'replace the ServiceEntry: the peer’s gateway in network external, and the egress gateway';
    const { egress, path, toEgress, toPeer } = await connectThroughEgress('STATIC', declares);

    const { calls, moved, upstreams } = await step('call', 'call the service twenty times', () => path.call(20));
    await claim('call-succeeds', () => {
      for (const call of calls) expect(call).toHaveStatus(200);
    });
    await claim('identity', () => {
      expect(calls.map((call) => clientIdentity(call)?.uri)).toEqual(calls.map(() => sleep.identity));
    });
    await claim('sidecar-to-egress', async () => {
      await expect(() => path.inSidecar()).toEventuallyReachTheEnd();
    });
    await claim('no-other-endpoint', async () => {
      await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(path.cluster, [toEgress]);
    });
    await claim('egress-to-peer', async () => {
      await expect(() => path.inEgress()).toEventuallyReachTheEnd();
      await expect(() => egress.proxy.configDump()).toAlwaysHaveEndpoints(path.sni, [toPeer]);
    });
    await claim('passed-both', () => {
      expect(moved).toHaveCarriedTraffic(calls.length);
    });
    await claim('none-direct', async () => {
      expect(await upstreams()).toEqual({ [toEgress]: 20 });
    });
  },
);
