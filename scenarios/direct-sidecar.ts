import { checkServiceAddress, clientIdentity, expect, pageSample, replacements, scenario } from '../harness/index.ts';

const { host, address } = pageSample.service;

/**
 * Walkthrough: "Configure the example services". The client's sidecar calls the peer's gateway itself, over port 15443.
 */
export default scenario(
  {
    id: 'direct-sidecar',
    section: 'Configure application services › Configure the example services',
    claims: {
      'answers-200': 'curl -I httpbin.bar.global:8000/headers answers 200',
      resolves: 'the host resolves to the address of its ServiceEntry, inside 240.0.0.0/4',
      identity: 'httpbin sees the identity of sleep in the first cluster: mutual TLS end to end',
      'sidecar-path': 'the sidecar sends the call along listener → route → cluster → SNI → the peer’s gateway',
      'gateway-path': 'the peer’s gateway sends this SNI through its filter chain to httpbin',
      'passed-gateway': 'while this request was made, as much traffic under its SNI passed through the peer’s gateway',
    },
    needs: { ...pageSample.needs, reads: ['counters'] },
    replaced: [replacements.sniRewrite],
    walkthrough: [
      {
        step: 'deploy',
        runs: 'configure-the-example-services.1-7',
        instead: 'The same two workloads from this run’s own images. Nobody calls sleep, so it has no Service.',
      },
      { step: 'find-gateway', runs: 'configure-the-example-services.8' },
      { step: 'declare', runs: 'configure-the-example-services.9' },
      { step: 'answers-200', runs: 'configure-the-example-services.10' },
    ],
  },
  async (run) => {
    const { step, claim } = run;
    const { sleep, connect } = await pageSample.deploy(run);
    const path = await connect();
    await claim('answers-200', async () => {
      await expect(() => sleep.curl(`${host}:8000/headers`, { head: true })).toEventuallyHaveStatus(200);
    });
    const { value: reply, moved } = await step('call', 'call httpbin.bar.global:8000/headers', () =>
      path.watch(() => sleep.curl(`${host}:8000/headers`)),
    );
    await claim('resolves', async () => {
      expect(reply.remoteAddress).toBe(address);
      expect(checkServiceAddress(reply.remoteAddress, host)).toBeUndefined();
      await expect(() => sleep.resolve(host)).toEventuallyResolveTo([address]);
    });
    await claim('identity', async () => {
      expect(reply).toHaveStatus(200);
      // The same account of another cluster has the same name, and another certificate.
      const [leaf] = (await sleep.proxy.configDump()).certificatesOf('default');
      expect(leaf?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(clientIdentity(reply)).toEqual({ uri: sleep.identity, certificate: leaf?.fingerprint });
    });
    await claim('sidecar-path', async () => {
      await expect(() => path.inSidecar()).toEventuallyReachTheEnd();
    });
    await claim('gateway-path', async () => {
      await expect(() => path.inGateway()).toEventuallyReachTheEnd();
    });
    await claim('passed-gateway', () => {
      expect(moved).toHaveCarriedTraffic();
    });
  },
);
