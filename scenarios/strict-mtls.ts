import { expect, RemoteSample, replacements, scenario } from '../harness/index.ts';

const sample = new RemoteSample('strict');
const { server: namespace } = sample.namespaces;

/**
 * Walkthrough: the common root CA is there for mutual TLS, which proxies accept beside plain text until a
 * PeerAuthentication says STRICT. From then on the server has to refuse whoever shows no certificate.
 */
export default scenario(
  {
    id: 'strict-mtls',
    section: 'Prerequisites › a common root CA: mutual TLS, and nothing else',
    claims: {
      'member-served': 'with mutual TLS STRICT, a member of the other cluster is answered',
      'no-plain-chain': 'the server’s sidecar has no filter chain left that takes plain text on the service’s port',
      'plain-text-refused': 'a caller beside the server that speaks plain text is refused, although it reaches the pod',
    },
    needs: { ...sample.needs, policies: ['PeerAuthentication'] },
    replaced: [replacements.sniRewrite],
  },
  async (run) => {
    const { server, step, claim } = run;
    const { sleep, httpbin, gateway, connect } = await sample.deploy(run);
    const path = await connect();
    await step('strict', `ask for mutual TLS in the namespace ${namespace}`, () =>
      server.apply({
        apiVersion: 'security.istio.io/v1',
        kind: 'PeerAuthentication',
        metadata: { name: 'default', namespace },
        spec: { mtls: { mode: 'STRICT' } },
      }),
    );
    await claim('no-plain-chain', async () => {
      const strict = `mutual TLS and nothing else on port ${server.httpbinPort}`;
      await httpbin.proxy.holds(strict, (dump) => !dump.takesPlainText(server.httpbinPort));
      expect((await httpbin.proxy.configDump()).takesPlainText(server.httpbinPort)).toBe(false);
    });
    await claim('member-served', async () => {
      await expect(() => sleep.curl(path.url('/headers'))).toEventuallyHaveStatus(200);
    });
    await claim('plain-text-refused', async () => {
      // From the gateway's pod, past every sidecar; the health port is never under mutual TLS.
      const plainly = (at: string): ReturnType<typeof gateway.curl> => gateway.curl(`http://${httpbin.address}:${at}`);
      await expect(() => plainly('15021/healthz/ready')).toEventuallyHaveStatus(200);
      await expect(() => plainly(`${server.httpbinPort}/headers`)).toAlwaysHaveNoAnswer();
    });
  },
);
