import { expect } from 'vitest';
import { httpbinGlobal } from '../harness/mesh/profile.ts';
import { remoteService } from '../harness/mesh/services.ts';
import { stubDomainServers } from '../harness/mesh/stub-domain.ts';
import { scenario } from '../harness/scenario/scenario.ts';

const { host, address, port } = httpbinGlobal;
const local = 'kubernetes.default.svc.cluster.local';

/** Walkthrough: "Setup DNS". `.global` for pods with a sidecar by DNS capture, for all others by a stub domain of the cluster's DNS. */
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
      'after the stub domain is taken back, a pod without a sidecar no longer resolves the host',
    ],
    needs: { clusters: 2 },
  },
  async ({ west, step, claim }) => {
    const [sleep, plain] = await step('deploy sleep with a sidecar, and one without', () => Promise.all([west.deploySleep('foo'), west.deployPlainSleep('legacy')]));
    await step('declare httpbin.bar.global', () => west.apply(remoteService({ host, namespace: 'foo', name: 'httpbin-bar', address, port, resolution: 'STATIC', endpoints: [{ address: '192.0.2.1' }] })));
    await step('wait until the sidecar knows the host', () => sleep.proxy.holds(`a cluster for ${host}`, (dump) => dump.outbound(host, port.number) !== undefined));

    await claim('a pod with a sidecar resolves the host by DNS capture, without any stub domain', async () => {
      expect(stubDomainServers(await west.dns.corefile())).toEqual([]);
      expect(await sleep.eventuallyResolves(host)).toEqual([address]);
    });
    await claim('a pod without a sidecar cannot, before the stub domain (the control of the claims below)', async () => {
      expect(await plain.resolve(host)).toEqual([]);
    });

    const { image, form } = await step('see what the cluster’s DNS is', () => west.dns.form());
    const server = await step('deploy the name server that stands in for istiocoredns', () => west.dns.deployNameServer(image, { [host]: address }));
    const before = await west.dns.corefile();
    await step(`add the stub domain in the form ${form}`, () => (form === 'kube-dns' ? Promise.reject(new Error('kind runs CoreDNS')) : west.dns.addStubDomain(form, server)));
    try {
      await claim('the Corefile that the cluster runs got the stub domain in the form for its version, and kept its own blocks', async () => {
        const corefile = await west.dns.corefile();
        expect(form).toBe('coredns>1.4.0');
        expect(stubDomainServers(corefile)).toEqual([`${server}:53`]);
        expect(corefile.startsWith(before.trimEnd())).toBe(true);
      });
      await claim('a pod without a sidecar resolves the host through the cluster’s DNS', async () => {
        expect(await plain.eventuallyResolves(host)).toEqual([address]);
      });
      await claim('a host outside of .global still resolves, for both', async () => {
        for (const pod of [sleep, plain]) expect(await pod.resolve(local)).toHaveLength(1);
      });
      await claim('a .global host that nobody declared does not resolve', async () => {
        for (const pod of [sleep, plain]) expect(await pod.resolve('nobody.bar.global')).toEqual([]);
      });
    } finally {
      await step('take the stub domain back', () => west.dns.removeStubDomain());
    }
    await claim('after the stub domain is taken back, a pod without a sidecar no longer resolves the host', async () => {
      expect((await west.dns.corefile()).trimEnd()).toBe(before.trimEnd());
      expect(await plain.resolve(host)).toEqual([]);
    });
  },
);
