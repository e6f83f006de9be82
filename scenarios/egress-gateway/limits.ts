import { expect, outboundSni, RemoteSample, replacements, scenario } from '../../harness/index.ts';

const sample = new RemoteSample('egress-limits');
const tickets = sample.another('tickets');
const ticketsSni = outboundSni(tickets.host, tickets.port.number);
const meshMember = { 'security.istio.io/tlsMode': 'istio' };

/**
 * Walkthrough: "The egress gateway used in this configuration cannot also be used for other, non inter-cluster, egress
 * traffic."
 */
export default scenario(
  {
    id: 'egress-gateway/limits',
    section: 'Send remote traffic via an egress gateway › the documented limit',
    claims: {
      'serves-inter-cluster': 'the egress gateway serves inter-cluster traffic (the control for the limits below)',
      'network-view':
        'it does not see endpoints outside its network view: the cluster of another service exists, but is empty',
      'only-15443':
        'it listens for inter-cluster traffic only on 15443: no listener takes other egress traffic on 80 or 443',
      'nobody-on-80': 'an HTTP request to it on port 80 reaches nothing',
    },
    needs: { ...sample.needs, egressGateway: true, hosts: [sample.service, tickets] },
    replaced: [replacements.networkView],
  },
  async (run) => {
    const { client, step, claim } = run;
    const { sleep, gateway, connectThroughEgress } = await sample.deploy(run);
    const declares = 'send the service’s traffic through the egress gateway';
    const { egress, path, toPeer } = await connectThroughEgress('STATIC', declares);
    const inEgress = (): ReturnType<typeof egress.proxy.configDump> => egress.proxy.configDump();
    await step('declare-other', 'add another service with an endpoint that is not in the network “external”', () =>
      client.apply(
        sample.remote({
          service: tickets,
          resolution: 'STATIC',
          endpoints: [{ address: gateway.address, network: 'mesh', labels: meshMember }],
        }),
      ),
    );
    await step('hold-other', 'wait until the egress gateway knows the other service', () =>
      egress.proxy.holds(`a cluster for ${tickets.host}`, (dump) => dump.cluster(ticketsSni) !== undefined),
    );

    await claim('serves-inter-cluster', async () => {
      await expect(() => sleep.curl(path.url('/headers'))).toEventuallyHaveStatus(200);
    });
    await claim('network-view', async () => {
      await expect(inEgress).toAlwaysHaveEndpoints(ticketsSni, []);
      await expect(inEgress).toAlwaysHaveEndpoints(path.sni, [toPeer]);
    });
    await claim('only-15443', async () => {
      expect(await inEgress()).toListenOn(15443);
      await expect(inEgress).not.toEverListenOn(80, 443, 8080, 8443);
    });
    await claim('nobody-on-80', async () => {
      const asOther = { headers: { host: 'example.com' }, maxSeconds: 5 };
      await expect(() => sleep.curl(`http://${egress.hostname}/headers`, asOther)).toAlwaysHaveStatus(503);
    });
  },
);
