import { expect } from 'vitest';
import { httpbinGlobal, replacements } from '../harness/mesh/profile.ts';
import { remoteService } from '../harness/mesh/services.ts';
import { globalCorefile, kubeDnsStubDomains, stubDomainConfigMap, stubDomainCorefile, stubDomainServers } from '../harness/mesh/stub-domain.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const local = 'kubernetes.default.svc.cluster.local';
const past = [
  { version: '1.2.6', form: 'coredns<1.4.0', claimed: 'form-below-1-4-0' },
  { version: '1.4.0', form: 'coredns=1.4.0', claimed: 'form-1-4-0' },
] as const;

/**
 * Walkthrough: "Setup DNS". `.global` for pods with a sidecar by DNS capture, for all others by a stub domain of the
 * cluster's DNS.
 */
export default scenario(
  {
    id: 'dns-stub-domain',
    section: 'Setup DNS',
    claims: {
      captured: 'a pod with a sidecar resolves the host by DNS capture, without any stub domain',
      'plain-cannot': 'a pod without a sidecar cannot, before the stub domain (the control of the claims below)',
      corefile: 'the Corefile that the cluster runs got the stub domain in the form for its version, and kept its own blocks',
      'plain-resolves': 'a pod without a sidecar resolves the host through the cluster’s DNS',
      'others-resolve': 'a host outside of .global still resolves, for both',
      undeclared: 'a .global host that nobody declared does not resolve',
      'form-below-1-4-0': 'the form for CoreDNS below 1.4.0 serves both on a real CoreDNS 1.2.6, word for word',
      'form-1-4-0': 'the form for CoreDNS 1.4.0 serves both on a real CoreDNS 1.4.0, word for word',
      'form-kube-dns': 'the form for KubeDNS hands .global to the same name server, read by KubeDNS’s own rule',
      'taken-back': 'after the stub domain is taken back, a pod without a sidecar no longer resolves the host',
    },
    needs: { clusters: 2, ownsCluster: true, namespaces: ['foo', 'legacy'] },
    replaced: [replacements.istiocoredns],
    walkthrough: [
      { step: 'form-kube-dns', runs: 'setup-DNS.1', instead: 'kind’s clusters run CoreDNS; the ConfigMap is made as for KubeDNS and read by its rule.' },
      { step: 'form-below-1-4-0', runs: 'setup-DNS.2', instead: 'The clusters run a newer one; a CoreDNS 1.2.6 beside them, on the cluster’s own API server, runs this Corefile.' },
      { step: 'add-stub-domain', runs: 'setup-DNS.3' },
      { step: 'form-1-4-0', runs: 'setup-DNS.4', instead: 'The clusters run a newer one; a CoreDNS 1.4.0 beside them, on the cluster’s own API server, runs this Corefile.' },
    ],
  },
  async ({ client, containers, step, claim }) => {
    const [sleep, plain] = await step('deploy', 'deploy sleep with a sidecar, and one without', () => Promise.all([client.deploySleep('foo'), client.deployPlainSleep('legacy')]));
    await step('declare', 'declare httpbin.bar.global', () => client.apply(remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, resolution: 'STATIC', endpoints: [{ address: '192.0.2.1' }] })));
    await step('hold', 'wait until the sidecar knows the host', () => sleep.proxy.holds(`a cluster for ${host}`, (dump) => dump.outbound(host, port.number) !== undefined));

    await claim('captured', async () => {
      expect(stubDomainServers(await client.dns.corefile())).toEqual([]);
      await expect(() => sleep.resolve(host)).toEventuallyResolveTo([address]);
    });
    await claim('plain-cannot', async () => {
      await expect(() => plain.resolve(host)).toAlwaysResolveTo([]);
    });

    const { image, form } = await step('see-dns', 'see what the cluster’s DNS is', () => client.dns.form());
    const server = await step('deploy-name-server', 'deploy the name server that stands in for istiocoredns', () => client.dns.deployNameServer(image, { [host]: address }));
    const before = await client.dns.corefile();
    await step('add-stub-domain', 'add the stub domain in the form for CoreDNS above 1.4.0', () => client.dns.addStubDomain('coredns>1.4.0', server));
    try {
      await claim('corefile', async () => {
        const corefile = await client.dns.corefile();
        expect(form).toBe('coredns>1.4.0');
        expect(stubDomainServers(corefile)).toEqual([`${server}:53`]);
        expect(corefile.startsWith(before.trimEnd())).toBe(true);
      });
      await claim('plain-resolves', async () => {
        await expect(() => plain.resolve(host)).toEventuallyResolveTo([address]);
      });
      await claim('others-resolve', async () => {
        const [expected] = await sleep.resolve(local);
        for (const pod of [sleep, plain]) await expect(() => pod.resolve(local)).toEventuallyResolveTo([expected ?? 'an address']);
      });
      await claim('undeclared', async () => {
        await Promise.all([sleep, plain].map((pod) => expect(() => pod.resolve('nobody.bar.global')).toAlwaysResolveTo([])));
      });
    } finally {
      await step('remove-stub-domain', 'take the stub domain back', () => client.dns.removeStubDomain());
    }
    await step('forget', 'wait until the cluster’s DNS has forgotten it', () => expect(() => plain.resolve(host)).toEventuallyResolveTo([]));
    await claim('taken-back', async () => {
      expect((await client.dns.corefile()).trimEnd()).toBe(before.trimEnd());
      await expect(() => plain.resolve(host)).toAlwaysResolveTo([]);
    });

    const [cluster] = await sleep.resolve(local);
    for (const { version, form: older, claimed } of past) {
      await claim(claimed, () =>
        containers.coreDns('1.4.0', { corefile: globalCorefile({ [host]: address }), serves: host }, async (names) => {
          const options = { corefile: stubDomainCorefile(older, names.address), serves: local, kubernetes: await client.dns.asPod() };
          await containers.coreDns(version, options, async (dns) => {
            expect(await dns.log()).toContain(`CoreDNS-${version}`);
            await expect(() => dns.resolve(host)).toEventuallyResolveTo([address]);
            await expect(() => dns.resolve(local)).toEventuallyResolveTo([cluster ?? 'an address']);
          });
        }),
      );
    }
    await claim('form-kube-dns', () => {
      expect(kubeDnsStubDomains(stubDomainConfigMap('kube-dns', server))).toEqual({ global: [server] });
    });
  },
);
