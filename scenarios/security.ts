import { expect, outboundSni, RemoteSample, scenario } from '../harness/index.ts';
import { issueForeignWorkload } from '../harness/mesh/certificate-authority.ts';

const sample = new RemoteSample('security');
const { host, port } = sample.service;
const hidden = { host: `ledger.${sample.namespaces.server}.internal`, port };
const sniOf = (of: string): string => outboundSni(of, port.number);
/** The gateway hangs up, by a reset or in order, before anybody answered the client: no upstream was reached. */
const withoutAWord = /^(ECONNRESET|EOF)$/;

/** Walkthrough: "cross-cluster traffic is mutual TLS under one root", and what the gateway in between must refuse. */
export default scenario(
  {
    id: 'security',
    section: 'Prerequisites › a common root CA; the gateway on port 15443',
    claims: {
      'member-served': 'a member of the mesh gets an answer (the control for the refusals below)',
      'plain-text-refused': 'plain text on 15443 is refused',
      'other-root-refused': 'a client with a certificate from another root is refused, for exactly that reason',
      'no-certificate-refused': 'a client without a certificate is refused',
      'unknown-sni': 'an SNI of a service that does not exist reaches no upstream',
      'other-hosts-hidden':
        'AUTO_PASSTHROUGH serves only hosts of *.local and *.global, and Istio’s own TLS: another host stays hidden',
    },
    needs: { ...sample.needs, hosts: [sample.service, hidden] },
  },
  async (run) => {
    const { server, step, claim, containers } = run;
    const { sleep, httpbin, gateway, connect } = await sample.deploy(run);
    await step('expose-hidden', 'expose the same pods under a host that is not meant for peers', () =>
      server.apply(sample.exposed(server, hidden)),
    );
    const path = await connect();
    await step('hold-hidden', 'wait until the server’s own sidecar knows the hidden host', () =>
      httpbin.proxy.holds(
        `the hidden host ${hidden.host}`,
        (dump) => dump.outbound(hidden.host, port.number) !== undefined,
      ),
    );
    await claim('member-served', async () => {
      await expect(() => sleep.curl(path.url('/headers'))).toEventuallyHaveStatus(200);
    });

    const at = { address: gateway.address, port: gateway.port, alpn: ['istio'] };
    await claim('plain-text-refused', async () => {
      const url = `http://${at.address}:${at.port}/headers`;
      await containers.client(async (outside) => {
        await expect(() => outside.curl(url, { headers: { host } })).toAlwaysHaveNoAnswer();
      });
    });
    await claim('other-root-refused', async () => {
      const greeting = { ...at, sni: path.sni, presents: await issueForeignWorkload(sleep.identity) };
      expect((await containers.greet(greeting)).serverIdentities).toEqual([httpbin.identity]);
      await expect(() => containers.greet(greeting)).toAlwaysBeRefusedBecause('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA');
    });
    await claim('no-certificate-refused', async () => {
      const refusal = /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/;
      await expect(() => containers.greet({ ...at, sni: path.sni })).toAlwaysBeRefusedBecause(refusal);
    });
    await claim('unknown-sni', async () => {
      const sni = sniOf(`nobody.${sample.namespaces.server}.global`);
      await expect(() => containers.greet({ ...at, sni })).toAlwaysBeRefusedBecause(withoutAWord);
      await expect(() => gateway.proxy.configDump()).not.toEverHaveFilterChain(at.port, sni);
    });
    await claim('other-hosts-hidden', async () => {
      const dump = await gateway.proxy.configDump();
      const names = dump.serverNames(at.port);
      expect(names).toContain(path.sni);
      // Without it whoever names the host comes through to the pod, with TLS of any kind.
      const match = dump.filterChainFor(at.port, path.sni)?.filter_chain_match;
      expect(match?.application_protocols).toContain('istio');
      expect(names.filter((name) => !/\.(local|global)$/.test(name))).toEqual([]);
      const sni = sniOf(hidden.host);
      await expect(() => containers.greet({ ...at, sni })).toAlwaysBeRefusedBecause(withoutAWord);
    });
  },
);
