import { expect, RemoteSample, replacements, scenario } from '../harness/index.ts';
import { stubDomainServers } from '../harness/mesh/stub-domain.ts';

const sample = new RemoteSample('dns');
const { client: namespace } = sample.namespaces;
const { host, address, port } = sample.service;
const added = 'The page’s block for .global is added to the Corefile of the first cluster, whose own blocks stay.';
const [nobody, local] = [`nobody.${sample.namespaces.server}.global`, 'kubernetes.default.svc.cluster.local'] as const;

/** Walkthrough: "Setup DNS". `.global` for pods with a sidecar by DNS capture, for others by the cluster's DNS. */
export default scenario(
  {
    id: 'dns-stub-domain',
    section: 'Setup DNS',
    claims: {
      captured: 'a pod with a sidecar resolves the host by DNS capture, without any stub domain',
      'plain-cannot': 'before the stub domain, a pod without a sidecar cannot (the control for the claims below)',
      corefile: 'the cluster’s Corefile has the stub domain in the form for its version, and keeps its own blocks',
      'plain-resolves': 'a pod without a sidecar resolves the host through the cluster’s DNS',
      'others-resolve': 'a host outside .global still resolves, for both pods',
      undeclared: 'a .global host that nobody declared does not resolve',
      'taken-back': 'after the stub domain is removed, a pod without a sidecar no longer resolves the host',
    },
    needs: { ...sample.needs, ownsCluster: true, namespaces: [namespace, 'legacy'], toItself: ['the cluster’s DNS'] },
    replaced: [replacements.istiocoredns],
    walkthrough: [{ step: 'add-stub-domain', runs: 'setup-DNS.3', instead: added }],
  },
  async ({ client, client: { dns }, step, claim }) => {
    const [sleep, plain] = await step('deploy', 'deploy one sleep with a sidecar, and one without', () =>
      Promise.all([client.deploySleep(namespace), client.deployPlainSleep('legacy')]),
    );
    await step('declare', 'declare the host', () =>
      client.apply(sample.remote({ resolution: 'STATIC', endpoints: [{ address: '192.0.2.1' }] })),
    );
    await step('hold', 'wait until the sidecar knows the host', () =>
      sleep.proxy.holds(`a cluster for ${host}`, (dump) => dump.outbound(host, port.number) !== undefined),
    );
    await claim('captured', async () => {
      expect(stubDomainServers(await dns.corefile())).toEqual([]);
      await expect(() => sleep.resolve(host)).toEventuallyResolveTo([address]);
    });
    await claim('plain-cannot', async () => {
      await expect(() => plain.resolve(host)).toAlwaysResolveTo([]);
    });
    const { image, form } = await step('see-dns', 'find out which DNS the cluster runs', () => dns.form());
    const serve = () => dns.deployNameServer(image, { [host]: address });
    const server = await step('deploy-name-server', 'deploy the name server that replaces istiocoredns', serve);
    const before = await dns.corefile();
    await step('add-stub-domain', 'add the stub domain in the form for CoreDNS above 1.4.0', () =>
      dns.addStubDomain('coredns>1.4.0', server),
    );
    try {
      await claim('corefile', async () => {
        const corefile = await dns.corefile();
        expect(form).toBe('coredns>1.4.0');
        expect(stubDomainServers(corefile)).toEqual([`${server}:53`]);
        expect(corefile.startsWith(before.trimEnd())).toBe(true);
      });
      await claim('plain-resolves', async () => {
        await expect(() => plain.resolve(host)).toEventuallyResolveTo([address]);
      });
      await claim('others-resolve', async () => {
        const expected = await sleep.resolve(local);
        expect(expected).toHaveLength(1);
        for (const pod of [sleep, plain]) await expect(() => pod.resolve(local)).toEventuallyResolveTo(expected);
      });
      await claim('undeclared', async () => {
        for (const pod of [sleep, plain]) await expect(() => pod.resolve(nobody)).toAlwaysResolveTo([]);
      });
    } finally {
      await step('remove-stub-domain', 'remove the stub domain', () => dns.removeStubDomain());
    }
    const forgotten = () => expect(() => plain.resolve(host)).toEventuallyResolveTo([]);
    await step('forget', 'wait until the cluster’s DNS has forgotten it', forgotten);
    await claim('taken-back', async () => {
      expect((await dns.corefile()).trimEnd()).toBe(before.trimEnd());
      await expect(() => plain.resolve(host)).toAlwaysResolveTo([]);
    });
  },
);
