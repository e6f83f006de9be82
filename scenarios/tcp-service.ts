import { checkDistinctAddresses, expect, outboundCluster, RemoteSample } from '../harness/index.ts';
import { replacements, scenario, type GlobalService, type KubernetesObject } from '../harness/index.ts';

const sample = new RemoteSample('tcp-service');
const { address, port } = sample.service;
const tcp = sample.another('httpbin-tcp', { name: 'tcp', number: 9000, protocol: 'TCP' });
const twin: GlobalService = { ...tcp, host: 'twin.tcp-service-server.global' };

/** Walkthrough: what "Configure the example services" says of protocols, port names and addresses. */
export default scenario(
  {
    id: 'tcp-service',
    section: 'Configure the example services › a TCP service, addresses, port names',
    claims: {
      'tcp-service': 'a TCP service uses the same path without any HTTP route: the port determines the protocol',
      'refused-declarations':
        'multicast and loopback addresses are refused, and so is a port whose name says another protocol',
      'shared-address':
        'if two TCP services share one address, only the older is reached, and the check says so beforehand',
    },
    needs: { ...sample.needs, hosts: [sample.service, tcp, twin], reads: ['counters'] },
    replaced: [replacements.sniRewrite],
  },
  async (run) => {
    const { client, step, claim } = run;
    const { sleep, gateway, connect } = await sample.deploy(run);
    await connect();
    const path = await connect({ other: { name: 'tcp', service: tcp } });
    await claim('tcp-service', async () => {
      await expect(() => sleep.curl(path.url('/headers'))).toEventuallyHaveStatus(200);
      const dump = await sleep.proxy.configDump();
      const protocols = [dump.protocolOf(address, port.number), dump.protocolOf(tcp.address, tcp.port.number)];
      expect(protocols).toEqual(['HTTP', 'TCP']);
    });

    const declared = (changes: Partial<GlobalService>): KubernetesObject =>
      sample.remote({ service: { ...tcp, ...changes }, endpoints: [{ address: gateway.address }] });
    await claim('refused-declarations', () => {
      for (const wrong of ['224.0.0.2', '239.1.2.3', '127.0.0.2'])
        expect(() => declared({ address: wrong })).toThrow(`${wrong} cannot be the address of ${tcp.host}`);
      const misnamed = { ...tcp.port, name: 'http1' };
      expect(() => declared({ port: misnamed })).toThrow('port 9000 is named "http1" and declares TCP');
    });

    await step('declare-twin', 'declare a second TCP service at the same address', () => client.apply(declared(twin)));
    await step('hold-twin', 'wait until the sidecar knows both services', () =>
      sleep.proxy.holds(
        `a cluster for ${twin.host}`,
        (dump) => dump.outbound(twin.host, twin.port.number) !== undefined,
      ),
    );
    await claim('shared-address', async () => {
      const shared = `${tcp.host} and ${twin.host} share the address ${tcp.address}`;
      expect(() => {
        checkDistinctAddresses([tcp, twin]);
      }).toThrow(shared);
      const dump = await sleep.proxy.configDump();
      const listener = dump.listenerFor(tcp.address, tcp.port.number);
      const targets = listener === undefined ? [] : dump.tcpTargetsOf(listener);
      expect(targets).toEqual([outboundCluster(tcp.host, tcp.port.number)]);
      const { value: answer, moved } = await path.watch(() => sleep.curl(`${twin.host}:9000/headers`));
      expect(answer).toHaveStatus(200);
      expect(moved).toHaveCarriedTraffic();
    });
  },
);
