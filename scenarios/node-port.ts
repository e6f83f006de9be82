import { expect, RemoteSample, replacements, scenario } from '../harness/index.ts';

const sample = new RemoteSample('node-port');

/**
 * Walkthrough: the tip of "Expose the gateway address of cluster2" for environments without an external load balancer.
 */
export default scenario(
  {
    id: 'node-port',
    section: 'Configure the example services › NodePort instead of a load balancer',
    claims: {
      'call-succeeds': 'the call succeeds through the node’s address and the node port of 15443',
      'only-endpoint': 'the sidecar’s only endpoint is the node port; the SNI stays the same',
      'passed-gateway':
        'as much traffic passed through the peer’s gateway meanwhile, and the sidecar sent it to the node',
      'no-load-balancer': 'the address of the load balancer is not used',
    },
    needs: { ...sample.needs, loadBalancer: false, reads: ['access log', 'counters'] },
    replaced: [replacements.sniRewrite],
  },
  async (run) => {
    const { server, step, claim } = run;
    const { sleep, gateway, connect } = await sample.deploy(run);
    const node = await step('find-node', 'find a node of the second cluster and the node port of 15443', () =>
      server.nodePort(),
    );
    const toNode = `${node.address}:${node.port}`;
    const path = await connect({
      endpoints: [node],
      says: 'create the ServiceEntry with the node port instead of 15443',
    });

    const { calls, moved, upstreams } = await step('call', 'call the service ten times', () => path.call(10));
    await claim('call-succeeds', () => {
      expect(node.port).toBeGreaterThanOrEqual(30_000);
      for (const call of calls) expect(call).toHaveStatus(200);
    });
    await claim('only-endpoint', async () => {
      await expect(() => path.inSidecar()).toEventuallyReachTheEnd();
      await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(path.cluster, [toNode]);
    });
    const sentTo = await step('read-log', 'read the sidecar’s access log', upstreams);
    await claim('passed-gateway', () => {
      expect(moved).toHaveCarriedTraffic(calls.length);
      expect(sentTo).toEqual({ [toNode]: 10 });
    });
    await claim('no-load-balancer', () => {
      expect(Object.keys(sentTo)).toEqual([toNode]);
      expect(toNode).not.toBe(`${gateway.address}:${gateway.port}`);
    });
  },
);
