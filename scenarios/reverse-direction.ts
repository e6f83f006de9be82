import { checkServiceAddress, clientIdentity, expect, RemoteSample, replacements, scenario } from '../harness/index.ts';

const sample = new RemoteSample('reverse');
const { host, address } = sample.service;

/**
 * The example once more with its roles changed: replicated control planes are peers, and nothing that holds from the
 * first cluster to the second says that it holds from the second to the first.
 */
export default scenario(
  {
    id: 'reverse-direction',
    section: 'Configure the example services › from the second cluster to the first',
    claims: {
      resolves: 'a pod of the second cluster resolves the host by DNS capture',
      'call-succeeds': 'its calls are answered, with the identity of sleep in the second cluster',
      'whole-path': 'its sidecar sends them to the gateway of the first cluster, and that gateway to httpbin',
      'passed-gateway': 'while they were made, as much traffic under this SNI passed through the first gateway',
    },
    needs: { ...sample.needs, reads: ['counters'] },
    replaced: [replacements.sniRewrite],
  },
  async (run) => {
    const { client: first, server: second, step, claim } = run;
    const { sleep, connect } = await sample.deploy({ step, client: second, server: first });
    const path = await connect();
    await claim('resolves', async () => {
      expect(checkServiceAddress(address, host)).toBeUndefined();
      await expect(() => sleep.resolve(host)).toEventuallyResolveTo([address]);
    });

    const { calls, moved } = await step('call', 'call the service ten times', () => path.call(10));
    await claim('call-succeeds', async () => {
      for (const call of calls) expect(call).toHaveStatus(200);
      const [leaf] = (await sleep.proxy.configDump()).certificatesOf('default');
      expect(leaf?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      const own = { uri: sleep.identity, certificate: leaf?.fingerprint };
      expect(calls.map((call) => clientIdentity(call))).toEqual(calls.map(() => own));
    });
    await claim('whole-path', async () => {
      await expect(() => path.inSidecar()).toEventuallyReachTheEnd();
      await expect(() => path.inGateway()).toEventuallyReachTheEnd();
    });
    await claim('passed-gateway', () => {
      expect(moved).toHaveCarriedTraffic(calls.length);
    });
  },
);
