import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal } from '../harness/mesh/profile.ts';
import { outboundCluster, outboundSni, remoteService } from '../harness/mesh/services.ts';
import { endpointsFor, upstreamsOf, watchFlow } from '../harness/probe/flow.ts';
import { traceGateway, traceOutbound } from '../harness/probe/trace.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const sni = outboundSni(host, port.number);
const cluster = outboundCluster(host, port.number);

/** Walkthrough: the tip of "Expose the gateway address of cluster2" for environments without an external load balancer. */
export default scenario(
  {
    id: 'node-port',
    section: 'Configure the example services › NodePort instead of a load balancer',
    claims: [
      'the call succeeds over the node’s address and the node port of 15443',
      'the sidecar’s only endpoint is the node port; the SNI stays the same',
      'this very traffic passed the peer’s gateway, and the sidecar sent it to the node',
      'the load balancer’s address took no part',
    ],
    needs: { clusters: 2 },
  },
  async ({ west, east, step, claim }) => {
    const [sleep] = await step('deploy sleep and httpbin', () => Promise.all([west.deploySleep('foo'), east.deployHttpbin('bar')]));
    const [node, gateway] = await step('find a node’s address and the node port of 15443 in the second cluster', () => Promise.all([east.nodePort(), east.ingressGateway()]));
    await step('let the second cluster’s gateway know the .global name (profile modern)', () => east.apply(exposeHttpbin(east.httpbinPort)));
    await step('create the ServiceEntry with the node port in place of 15443', () =>
      west.apply(remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, endpoints: [{ address: node.address, port: node.port }] })),
    );
    const toNode = `${node.address}:${node.port}`;
    const outbound = { host, port: port.number, address, endpoint: toNode, sni, cluster };
    await step('wait until both proxies hold the configuration', () =>
      Promise.all([
        sleep.proxy.holdsPath((dump) => traceOutbound(dump, sleep.proxy.name, outbound)),
        gateway.proxy.holdsPath((dump) => traceGateway(dump, gateway.proxy.name, { port: gateway.port, sni })),
      ]),
    );

    const begun = new Date();
    const { value: calls, moved } = await step('call httpbin.bar.global ten times', () => watchFlow([{ proxy: gateway.proxy, cluster: sni }], () => sleep.curlTimes(10, `${host}:8000/headers`)));
    await claim('the call succeeds over the node’s address and the node port of 15443', () => {
      expect(node.port).toBeGreaterThanOrEqual(30_000);
      for (const call of calls) expect(call).toHaveStatus(200);
    });
    await claim('the sidecar’s only endpoint is the node port; the SNI stays the same', async () => {
      const dump = await sleep.proxy.configDump();
      expect(traceOutbound(dump, sleep.proxy.name, outbound)).toReachTheEnd();
      expect(endpointsFor(dump, cluster)).toEqual([toNode]);
    });
    const upstreams = await step('read the sidecar’s access log', async () => upstreamsOf(await sleep.proxy.accessLogOf(calls.map(({ requestId }) => requestId), begun)));
    await claim('this very traffic passed the peer’s gateway, and the sidecar sent it to the node', () => {
      expect(moved).toHaveCarriedTraffic();
      expect(upstreams).toEqual({ [toNode]: 10 });
    });
    await claim('the load balancer’s address took no part', () => {
      expect(Object.keys(upstreams)).not.toContain(`${gateway.address}:${gateway.port}`);
    });
  },
);
