import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal } from '../harness/mesh/profile.ts';
import { outboundCluster, outboundSni, remoteService } from '../harness/mesh/services.ts';
import { clientIdentity } from '../harness/probe/curl.ts';
import { watchFlow } from '../harness/probe/flow.ts';
import { traceGateway, traceOutbound } from '../harness/probe/trace.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const sni = outboundSni(host, port.number);

/** Walkthrough: "Configure the example services". The client's sidecar calls the peer's gateway itself, over port 15443. */
export default scenario(
  {
    id: 'direct-sidecar',
    section: 'Configure application services › Configure the example services',
    claims: [
      'curl -I httpbin.bar.global:8000/headers answers 200',
      'the host resolves to the address of its ServiceEntry',
      'httpbin sees the identity of sleep in the first cluster: mutual TLS end to end',
      'the sidecar leads listener → route → cluster → SNI → the peer’s gateway',
      'the peer’s gateway leads this SNI through its filter chain to httpbin',
      'this very request passed the peer’s gateway',
    ],
    needs: { clusters: 2, loadBalancer: true },
  },
  async ({ west, east, step, claim }) => {
    const sleep = await step('deploy sleep in namespace foo of the first cluster', () => west.deploySleep('foo'));
    await step('deploy httpbin in namespace bar of the second cluster', () => east.deployHttpbin('bar'));
    const gateway = await step('find the gateway address of the second cluster', () => east.ingressGateway());

    await step('let the second cluster’s gateway know the .global name (profile modern)', () => east.apply(exposeHttpbin(east.httpbinPort)));
    await step('create the ServiceEntry for httpbin.bar.global in the first cluster', () =>
      west.apply(remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, endpoints: [{ address: gateway.address }] })),
    );
    const outbound = { host, port: port.number, address, endpoint: `${gateway.address}:${gateway.port}`, sni, cluster: outboundCluster(host, port.number) };
    const inbound = { port: gateway.port, sni };
    await step('wait until both proxies hold the configuration', () =>
      Promise.all([sleep.proxy.holdsPath((dump) => traceOutbound(dump, sleep.proxy.name, outbound)), gateway.proxy.holdsPath((dump) => traceGateway(dump, gateway.proxy.name, inbound))]),
    );

    await claim('curl -I httpbin.bar.global:8000/headers answers 200', async () => {
      expect(await sleep.curl(`${host}:8000/headers`, { head: true })).toHaveStatus(200);
    });
    const { value: reply, moved } = await step('call httpbin.bar.global:8000/headers', () => watchFlow([{ proxy: gateway.proxy, cluster: sni }], () => sleep.curl(`${host}:8000/headers`)));
    await claim('the host resolves to the address of its ServiceEntry', () => {
      expect(reply.remoteAddress).toBe(address);
    });
    await claim('httpbin sees the identity of sleep in the first cluster: mutual TLS end to end', async () => {
      expect(reply).toHaveStatus(200);
      const [leaf] = (await sleep.proxy.configDump()).certificatesOf('default');
      expect(leaf?.issuer).toContain(`L=${west.name}`);
      expect(clientIdentity(reply)).toEqual({ uri: sleep.identity, certificate: leaf?.fingerprint });
    });
    await claim('the sidecar leads listener → route → cluster → SNI → the peer’s gateway', async () => {
      expect(traceOutbound(await sleep.proxy.configDump(), sleep.proxy.name, outbound)).toReachTheEnd();
    });
    await claim('the peer’s gateway leads this SNI through its filter chain to httpbin', async () => {
      expect(traceGateway(await gateway.proxy.configDump(), gateway.proxy.name, inbound)).toReachTheEnd();
    });
    await claim('this very request passed the peer’s gateway', () => {
      expect(moved).toHaveCarriedTraffic();
    });
  },
);
