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
    claims: {
      'call-succeeds': 'the call succeeds with a host name in place of the gateway’s IP',
      'strict-dns': 'the sidecar resolves the name itself: a STRICT_DNS cluster with that name as its only endpoint',
      'all-to-address': 'all traffic went to the address behind the name, and passed the peer’s gateway',
    },
    needs: { clusters: 2, loadBalancer: true, namespaces: ['foo', 'bar'], hosts: [httpbinGlobal] },
    replaced: [replacements.sniRewrite],
  },
  async ({ client, server, step, claim }) => {
    const [sleep] = await step('deploy', 'deploy sleep and httpbin', () => Promise.all([client.deploySleep('foo'), server.deployHttpbin('bar')]));
    const gateway = await step('find-gateway', 'find the gateway address of the second cluster', () => server.ingressGateway());
    const byName = `${hostname}:${gateway.port}`;
    const path = new RemotePath({ client: sleep, service: httpbinGlobal, gateway, endpoint: byName });
    await step('name-gateway', 'give that address a host name, as a cloud’s load balancer does', () => client.apply(...hostnameFor({ name: 'east-gateway', namespace: 'foo', address: gateway.address, port: gateway.port })));
    await step('expose', 'let the second cluster’s gateway know the .global name (profile modern)', () => server.apply(exposeHttpbin(server.httpbinPort)));
    await step('declare', 'create the ServiceEntry with the host name as its endpoint', () => client.apply(remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, endpoints: [{ address: hostname }] })));
    await step('hold', 'wait until both proxies hold the configuration', () => path.held());

    const begun = new Date();
    const { value: calls, moved } = await step('call', 'call httpbin.bar.global ten times', () => path.watch(() => sleep.curlTimes(10, `${host}:8000/headers`)));
    await claim('call-succeeds', () => {
      for (const call of calls) expect(call).toHaveStatus(200);
    });
    await claim('strict-dns', async () => {
      expect((await sleep.proxy.configDump()).cluster(path.cluster)?.type).toBe('STRICT_DNS');
      await expect(() => sleep.proxy.configDump()).toAlwaysHaveEndpoints(path.cluster, [byName]);
    });
    await claim('all-to-address', async () => {
      expect(upstreamsOf(await sleep.proxy.accessLogOf(calls.map(({ requestId }) => requestId), begun))).toEqual({ [`${gateway.address}:${gateway.port}`]: 10 });
      expect(moved).toHaveCarriedTraffic();
    });
  },
);
