import { expect, pageSample, replacements, scenario } from '../harness/index.ts';
import { globalCorefile, kubeDnsStubDomains, stubDomainConfigMap } from '../harness/mesh/stub-domain.ts';
import { stubDomainCorefile } from '../harness/mesh/stub-domain.ts';

const { host, address } = pageSample.service;
const namespace = 'dns-older-forms';
const local = 'kubernetes.default.svc.cluster.local';
const older = 'The clusters run a newer one. An old CoreDNS next to them, on the cluster’s API server, runs this.';
const past = [
  { version: '1.2.6', form: 'coredns<1.4.0', claimed: 'form-below-1-4-0' },
  { version: '1.4.0', form: 'coredns=1.4.0', claimed: 'form-1-4-0' },
] as const;

/** Walkthrough: "Setup DNS", the tabs for KubeDNS and for CoreDNS of a time that no cluster runs any more. */
export default scenario(
  {
    id: 'dns-older-forms',
    section: 'Setup DNS › KubeDNS, and CoreDNS up to 1.4.0',
    claims: {
      'form-below-1-4-0': 'the form for CoreDNS below 1.4.0, word for word, resolves both on a real CoreDNS 1.2.6',
      'form-1-4-0': 'the form for CoreDNS 1.4.0, word for word, resolves both on a real CoreDNS 1.4.0',
      'form-kube-dns': 'the form for KubeDNS forwards .global to the same name server, read by KubeDNS’s own rule',
    },
    needs: { clusters: 2, ownsCluster: true, namespaces: [namespace], toItself: ['the cluster’s DNS'] },
    replaced: [replacements.istiocoredns],
    walkthrough: [
      {
        step: 'form-kube-dns',
        runs: 'setup-DNS.1',
        instead: 'kind clusters run CoreDNS. The ConfigMap is created as for KubeDNS and read by its rule.',
      },
      { step: 'form-below-1-4-0', runs: 'setup-DNS.2', instead: older },
      { step: 'form-1-4-0', runs: 'setup-DNS.4', instead: older },
    ],
  },
  async ({ client, containers, step, claim }) => {
    const plain = await step('deploy', 'deploy sleep without a sidecar', () => client.deployPlainSleep(namespace));
    const cluster = await step('resolve', 'check what a host of the cluster resolves to', () => plain.resolve(local));
    expect(cluster).toHaveLength(1);
    const served = { corefile: globalCorefile({ [host]: address }), serves: host };
    await containers.coreDns('1.4.0', served, async (names) => {
      for (const { version, form, claimed } of past)
        await claim(claimed, async () => {
          const corefile = stubDomainCorefile(form, names.address);
          const options = { corefile, serves: local, kubernetes: await client.dns.asPod() };
          await containers.coreDns(version, options, async (dns) => {
            expect(await dns.log()).toContain(`CoreDNS-${version}`);
            await expect(() => dns.resolve(host)).toEventuallyResolveTo([address]);
            await expect(() => dns.resolve(local)).toEventuallyResolveTo(cluster);
          });
        });
      await claim('form-kube-dns', () => {
        const { address: server } = names;
        expect(kubeDnsStubDomains(stubDomainConfigMap('kube-dns', server))).toEqual({ global: [server] });
      });
    });
  },
);
