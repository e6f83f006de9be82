import { expect } from 'vitest';
import { hostnameFor } from '../harness/cluster/workloads.ts';
import { exposeHttpbin, httpbinGlobal, replacements } from '../harness/mesh/profile.ts';
import { remoteService } from '../harness/mesh/services.ts';
import { upstreamsOf } from '../harness/probe/flow.ts';
import { RemotePath } from '../harness/scenario/remote-path.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const hostname = 'east-gateway.foo.svc.cluster.local';

/** Walkthrough: "This command assumes an IP; if your load balancer has a host name, use it directly". */
export default scenario(
  {
    id: 'load-balancer-hostname',
    section: 'Configure the example services › a load balancer with a host name',
    claims: [
      'the call succeeds with a host name in place of the gateway’s IP',
      'the sidecar resolves the name itself: a STRICT_DNS cluster with that name as its only endpoint',
      'all traffic went to the address behind the name, and passed the peer’s gateway',
    ],
    needs: { clusters: 2, loadBalancer: true, namespaces: ['foo', 'bar'], hosts: [httpbinGlobal] },
    replaced: [replacements.sniRewrite],
  },
  async ({ west, east, step, claim }) => {
    const [sleep] = await step('deploy sleep and httpbin', () => Promise.all([west.deploySleep('foo'), east.deployHttpbin('bar')]));
    const gateway = await step('find the gateway address of the second cluster', () => east.ingressGateway());
    const byName = `${hostname}:${gateway.port}`;
    const path = new RemotePath({ client: sleep, service: httpbinGlobal, gateway, endpoint: byName });
    await step('give that address a host name, as a cloud’s load balancer does', () => west.apply(...hostnameFor({ name: 'east-gateway', namespace: 'foo', address: gateway.address, port: gateway.port })));
    await step('let the second cluster’s gateway know the .global name (profile modern)', () => east.apply(exposeHttpbin(east.httpbinPort)));
    await step('create the ServiceEntry with the host name as its endpoint', () => west.apply(remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, endpoints: [{ address: hostname }] })));
    await step('wait until both proxies hold the configuration', () => path.held());

    const begun = new Date();
    const { value: calls, moved } = await step('call httpbin.bar.global ten times', () => path.watch(() => sleep.curlTimes(10, `${host}:8000/headers`)));
    await claim('the call succeeds with a host name in place of the gateway’s IP', () => {
      for (const call of calls) expect(call).toHaveStatus(200);
    });
    await claim('the sidecar resolves the name itself: a STRICT_DNS cluster with that name as its only endpoint', async () => {
      expect((await sleep.proxy.configDump()).cluster(path.cluster)?.type).toBe('STRICT_DNS');
      await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(path.cluster, [byName]);
    });
    await claim('all traffic went to the address behind the name, and passed the peer’s gateway', async () => {
      expect(upstreamsOf(await sleep.proxy.accessLogOf(calls.map(({ requestId }) => requestId), begun))).toEqual({ [`${gateway.address}:${gateway.port}`]: 10 });
      expect(moved).toHaveCarriedTraffic();
    });
  },
);
