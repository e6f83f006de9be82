import { expect } from 'vitest';
import { exposeHttpbin, httpbinGlobal, replacements, type GlobalService } from '../harness/mesh/profile.ts';
import { checkDistinctAddresses, checkServiceAddress } from '../harness/mesh/service-rules.ts';
import { outboundCluster, remoteService } from '../harness/mesh/services.ts';
import { clientIdentity } from '../harness/probe/curl.ts';
import { RemotePath } from '../harness/scenario/remote-path.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const tcp: GlobalService = { host: 'httpbin-tcp.bar.global', address: '240.0.0.4', port: { name: 'tcp', number: 9000, protocol: 'TCP' } };
const twin: GlobalService = { ...tcp, host: 'twin.bar.global' };

/**
 * Walkthrough: "Configure the example services". The client's sidecar calls the peer's gateway itself, over port 15443.
 */
export default scenario(
  {
    id: 'direct-sidecar',
    section: 'Configure application services › Configure the example services',
    claims: {
      'answers-200': 'curl -I httpbin.bar.global:8000/headers answers 200',
      resolves: 'the host resolves to the address of its ServiceEntry, inside of 240.0.0.0/4',
      identity: 'httpbin sees the identity of sleep in the first cluster: mutual TLS end to end',
      'sidecar-path': 'the sidecar leads listener → route → cluster → SNI → the peer’s gateway',
      'gateway-path': 'the peer’s gateway leads this SNI through its filter chain to httpbin',
      'passed-gateway': 'this very request passed the peer’s gateway',
      'tcp-service': 'a TCP service takes the same way without any HTTP route: the port decides the protocol',
      'refused-declarations': 'multicast and loopback addresses are refused, and a port whose name says another protocol',
      'shared-address': 'of two TCP services at one address only the older is reached, and the check says so beforehand',
    },
    needs: { clusters: 2, loadBalancer: true, namespaces: ['foo', 'bar'], hosts: [httpbinGlobal, tcp, twin] },
    replaced: [replacements.sniRewrite],
    walkthrough: [
      { step: 'deploy', runs: 'configure-the-example-services.1-7' },
      { step: 'find-gateway', runs: 'configure-the-example-services.8' },
      { step: 'declare', runs: 'configure-the-example-services.9' },
      { step: 'answers-200', runs: 'configure-the-example-services.10' },
    ],
  },
  async ({ client, server, step, claim }) => {
    const [sleep] = await step('deploy', 'deploy sleep in namespace foo of the first cluster, httpbin in bar of the second', () => Promise.all([client.deploySleep('foo'), server.deployHttpbin('bar')]));
    const gateway = await step('find-gateway', 'find the gateway address of the second cluster', () => server.ingressGateway());
    const path = new RemotePath({ client: sleep, service: httpbinGlobal, gateway });
    const endpoints = [{ address: gateway.address }];

    await step('expose', 'let the second cluster’s gateway know the .global name (profile modern)', () => server.apply(exposeHttpbin(server.httpbinPort)));
    await step('declare', 'create the ServiceEntry for httpbin.bar.global in the first cluster', () => client.apply(remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, endpoints })));
    await step('hold', 'wait until both proxies hold the configuration', () => path.held());

    await claim('answers-200', async () => {
      await expect(() => sleep.curl(`${host}:8000/headers`, { head: true })).toEventuallyHaveStatus(200);
    });
    const { value: reply, moved } = await step('call', 'call httpbin.bar.global:8000/headers', () => path.watch(() => sleep.curl(`${host}:8000/headers`)));
    await claim('resolves', async () => {
      expect(reply.remoteAddress).toBe(address);
      expect(checkServiceAddress(reply.remoteAddress, host)).toBeUndefined();
      await expect(() => sleep.resolve(host)).toEventuallyResolveTo([address]);
    });
    await claim('identity', async () => {
      expect(reply).toHaveStatus(200);
      const [leaf] = (await sleep.proxy.configDump()).certificatesOf('default');
      expect(leaf?.issuer).toContain(`L=${client.name}`);
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

    const tcpPath = new RemotePath({ client: sleep, service: tcp, gateway });
    await step('declare-tcp', 'declare the same pods as a TCP service, in both clusters', () => Promise.all([server.apply(exposeHttpbin(server.httpbinPort, tcp)), client.apply(remoteService({ ...tcp, namespace: 'foo', name: 'httpbin-tcp', endpoints }))]));
    await step('hold-tcp', 'wait until both proxies hold it', () => tcpPath.held());
    await claim('tcp-service', async () => {
      await expect(() => sleep.curl(`${tcp.host}:9000/headers`)).toEventuallyHaveStatus(200);
      const dump = await sleep.proxy.configDump();
      expect([dump.protocolOf(address, port.number), dump.protocolOf(tcp.address, tcp.port.number)]).toEqual(['HTTP', 'TCP']);
    });
    await claim('refused-declarations', () => {
      const declare = (wrong: Partial<GlobalService>): void => void remoteService({ ...tcp, ...wrong, namespace: 'foo', name: 'wrong', endpoints });
      for (const wrong of ['224.0.0.2', '239.1.2.3', '127.0.0.2']) expect(() => { declare({ address: wrong }); }).toThrow(`${wrong} cannot be the address of ${tcp.host}`);
      expect(() => { declare({ port: { ...tcp.port, name: 'http1' } }); }).toThrow('port 9000 is named "http1" and declares TCP');
    });
    await step('declare-twin', 'declare a second TCP service at the same address', () => client.apply(remoteService({ ...twin, namespace: 'foo', name: 'twin', endpoints })));
    await step('hold-twin', 'wait until the sidecar knows both', () => sleep.proxy.holds(`a cluster for ${twin.host}`, (dump) => dump.outbound(twin.host, twin.port.number) !== undefined));
    await claim('shared-address', async () => {
      expect(() => { checkDistinctAddresses([tcp, twin]); }).toThrow(`${tcp.host} and ${twin.host} share the address ${tcp.address}`);
      const dump = await sleep.proxy.configDump();
      const listener = dump.listenerFor(tcp.address, tcp.port.number);
      expect(listener === undefined ? [] : dump.tcpTargetsOf(listener)).toEqual([outboundCluster(tcp.host, tcp.port.number)]);
      const { value: answer, moved: byName } = await tcpPath.watch(() => sleep.curl(`${twin.host}:9000/headers`));
      expect(answer).toHaveStatus(200);
      expect(byName).toHaveCarriedTraffic();
    });
  },
);
