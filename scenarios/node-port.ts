import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal, replacements } from '../harness/mesh/profile.ts';
import { remoteService } from '../harness/mesh/services.ts';
import { upstreamsOf } from '../harness/probe/flow.ts';
import { RemotePath } from '../harness/scenario/remote-path.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;

/**
 * Walkthrough: the tip of "Expose the gateway address of cluster2" for environments without an external load balancer.
 */
export default scenario(
  {
    id: 'node-port',
    section: 'Configure the example services › NodePort instead of a load balancer',
    claims: {
      'call-succeeds': 'the call succeeds over the node’s address and the node port of 15443',
      'only-endpoint': 'the sidecar’s only endpoint is the node port; the SNI stays the same',
      'passed-gateway': 'this very traffic passed the peer’s gateway, and the sidecar sent it to the node',
      'no-load-balancer': 'the load balancer’s address took no part',
    },
    needs: { clusters: 2, namespaces: ['foo', 'bar'], hosts: [httpbinGlobal] },
    replaced: [replacements.sniRewrite],
  },
  async ({ client, server, step, claim }) => {
    const [sleep] = await step('deploy', 'deploy sleep and httpbin', () => Promise.all([client.deploySleep('foo'), server.deployHttpbin('bar')]));
    const [node, gateway] = await step('find-node', 'find a node’s address and the node port of 15443 in the second cluster', () => Promise.all([server.nodePort(), server.ingressGateway()]));
    const toNode = `${node.address}:${node.port}`;
    const path = new RemotePath({ client: sleep, service: httpbinGlobal, gateway, endpoint: toNode });
    await step('expose', 'let the second cluster’s gateway know the .global name (profile modern)', () => server.apply(exposeHttpbin(server.httpbinPort)));
    await step('declare', 'create the ServiceEntry with the node port in place of 15443', () => client.apply(remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, endpoints: [node] })));
    await step('hold', 'wait until both proxies hold the configuration', () => path.held());

    const begun = new Date();
    const { value: calls, moved } = await step('call', 'call httpbin.bar.global ten times', () => path.watch(() => sleep.curlTimes(10, `${host}:8000/headers`)));
    await claim('call-succeeds', () => {
      expect(node.port).toBeGreaterThanOrEqual(30_000);
      for (const call of calls) expect(call).toHaveStatus(200);
    });
    await claim('only-endpoint', async () => {
      await expect(() => path.inSidecar()).toEventuallyReachTheEnd();
      await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(path.cluster, [toNode]);
    });
    const upstreams = await step('read-log', 'read the sidecar’s access log', async () => upstreamsOf(await sleep.proxy.accessLogOf(calls.map(({ requestId }) => requestId), begun)));
    await claim('passed-gateway', () => {
      expect(moved).toHaveCarriedTraffic();
      expect(upstreams).toEqual({ [toNode]: 10 });
    });
    await claim('no-load-balancer', () => {
      expect(Object.keys(upstreams)).toEqual([toNode]);
      expect(toNode).not.toBe(`${gateway.address}:${gateway.port}`);
    });
  },
);
