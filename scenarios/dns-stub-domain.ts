import { expect } from 'vitest';
import { httpbinGlobal, replacements } from '../harness/mesh/profile.ts';
import { remoteService } from '../harness/mesh/services.ts';
import { globalCorefile, kubeDnsStubDomains, stubDomainConfigMap, stubDomainCorefile, stubDomainServers } from '../harness/mesh/stub-domain.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const local = 'kubernetes.default.svc.cluster.local';
const past = [
  { version: '1.2.6', form: 'coredns<1.4.0', name: 'the form for CoreDNS below 1.4.0 serves both on a real CoreDNS 1.2.6, word for word' },
  { version: '1.4.0', form: 'coredns=1.4.0', name: 'the form for CoreDNS 1.4.0 serves both on a real CoreDNS 1.4.0, word for word' },
] as const;

/**
 * Walkthrough: "Setup DNS". `.global` for pods with a sidecar by DNS capture, for all others by a stub domain of the
 * cluster's DNS.
 */
export default scenario(
  {
    id: 'dns-stub-domain',
    section: 'Setup DNS',
    claims: [
      'a pod with a sidecar resolves the host by DNS capture, without any stub domain',
      'a pod without a sidecar cannot, before the stub domain (the control of the claims below)',
      'the Corefile that the cluster runs got the stub domain in the form for its version, and kept its own blocks',
      'a pod without a sidecar resolves the host through the cluster’s DNS',
      'a host outside of .global still resolves, for both',
      'a .global host that nobody declared does not resolve',
      'the form for CoreDNS below 1.4.0 serves both on a real CoreDNS 1.2.6, word for word',
      'the form for CoreDNS 1.4.0 serves both on a real CoreDNS 1.4.0, word for word',
      'the form for KubeDNS hands .global to the same name server, read by KubeDNS’s own rule',
      'after the stub domain is taken back, a pod without a sidecar no longer resolves the host',
    ],
    needs: { clusters: 2, ownsCluster: true, namespaces: ['foo', 'legacy'] },
    replaced: [replacements.istiocoredns],
    walkthrough: [
      { step: 'the form for KubeDNS hands .global to the same name server, read by KubeDNS’s own rule', runs: 'setup-DNS.1', instead: 'kind’s clusters run CoreDNS; the ConfigMap is made as for KubeDNS and read by its rule.' },
      { step: 'the form for CoreDNS below 1.4.0 serves both on a real CoreDNS 1.2.6, word for word', runs: 'setup-DNS.2', instead: 'The clusters run a newer one; a CoreDNS 1.2.6 beside them, on the cluster’s own API server, runs this Corefile.' },
      { step: 'add the stub domain in the form for CoreDNS above 1.4.0', runs: 'setup-DNS.3' },
      { step: 'the form for CoreDNS 1.4.0 serves both on a real CoreDNS 1.4.0, word for word', runs: 'setup-DNS.4', instead: 'The clusters run a newer one; a CoreDNS 1.4.0 beside them, on the cluster’s own API server, runs this Corefile.' },
    ],
  },
  async ({ west, containers, step, claim }) => {
    const [sleep, plain] = await step('deploy sleep with a sidecar, and one without', () => Promise.all([west.deploySleep('foo'), west.deployPlainSleep('legacy')]));
    await step('declare httpbin.bar.global', () => west.apply(remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, resolution: 'STATIC', endpoints: [{ address: '192.0.2.1' }] })));
    await step('wait until the sidecar knows the host', () => sleep.proxy.holds(`a cluster for ${host}`, (dump) => dump.outbound(host, port.number) !== undefined));

    await claim('a pod with a sidecar resolves the host by DNS capture, without any stub domain', async () => {
      expect(stubDomainServers(await west.dns.corefile())).toEqual([]);
      await expect(() => sleep.resolve(host)).toEventuallyResolveTo([address]);
    });
    await claim('a pod without a sidecar cannot, before the stub domain (the control of the claims below)', async () => {
      await expect(() => plain.resolve(host)).toAlwaysResolveTo([]);
    });

    const { image, form } = await step('see what the cluster’s DNS is', () => west.dns.form());
    const server = await step('deploy the name server that stands in for istiocoredns', () => west.dns.deployNameServer(image, { [host]: address }));
    const before = await west.dns.corefile();
    await step('add the stub domain in the form for CoreDNS above 1.4.0', () => west.dns.addStubDomain('coredns>1.4.0', server));
    try {
      await claim('the Corefile that the cluster runs got the stub domain in the form for its version, and kept its own blocks', async () => {
        const corefile = await west.dns.corefile();
        expect(form).toBe('coredns>1.4.0');
        expect(stubDomainServers(corefile)).toEqual([`${server}:53`]);
        expect(corefile.startsWith(before.trimEnd())).toBe(true);
      });
      await claim('a pod without a sidecar resolves the host through the cluster’s DNS', async () => {
        await expect(() => plain.resolve(host)).toEventuallyResolveTo([address]);
      });
      await claim('a host outside of .global still resolves, for both', async () => {
        const [expected] = await sleep.resolve(local);
        for (const pod of [sleep, plain]) await expect(() => pod.resolve(local)).toEventuallyResolveTo([expected ?? 'an address']);
      });
      await claim('a .global host that nobody declared does not resolve', async () => {
        await Promise.all([sleep, plain].map((pod) => expect(() => pod.resolve('nobody.bar.global')).toAlwaysResolveTo([])));
      });
    } finally {
      await step('take the stub domain back', () => west.dns.removeStubDomain());
    }
    await step('wait until the cluster’s DNS has forgotten it', () => expect(() => plain.resolve(host)).toEventuallyResolveTo([]));
    await claim('after the stub domain is taken back, a pod without a sidecar no longer resolves the host', async () => {
      expect((await west.dns.corefile()).trimEnd()).toBe(before.trimEnd());
      await expect(() => plain.resolve(host)).toAlwaysResolveTo([]);
    });

    const [cluster] = await sleep.resolve(local);
    for (const { version, form: older, name } of past) {
      await claim(name, () =>
        containers.coreDns('1.4.0', { corefile: globalCorefile({ [host]: address }), serves: host }, async (names) => {
          const options = { corefile: stubDomainCorefile(older, names.address), serves: local, kubernetes: await west.dns.asPod() };
          await containers.coreDns(version, options, async (dns) => {
            expect(await dns.log()).toContain(`CoreDNS-${version}`);
            await expect(() => dns.resolve(host)).toEventuallyResolveTo([address]);
            await expect(() => dns.resolve(local)).toEventuallyResolveTo([cluster ?? 'an address']);
          });
        }),
      );
    }
    await claim('the form for KubeDNS hands .global to the same name server, read by KubeDNS’s own rule', () => {
      expect(kubeDnsStubDomains(stubDomainConfigMap('kube-dns', server))).toEqual({ global: [server] });
    });
  },
);
