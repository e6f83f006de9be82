import { describe, expect, test } from 'vitest';
import {
  kubeDnsStubDomains,
  stubDomainConfigMap,
  stubDomainForm,
  stubDomainServers,
  withoutStubDomain,
  withStubDomain,
} from './stub-domain.ts';

test.each([
  ['coredns', '1.3.1', 'coredns<1.4.0'],
  ['coredns', '1.4.0', 'coredns=1.4.0'],
  ['coredns', 'v1.4.1', 'coredns>1.4.0'],
  ['coredns', '1.12.4', 'coredns>1.4.0'],
  ['kube-dns', undefined, 'kube-dns'],
] as const)('%s %s needs the form %s', (server, version, form) => {
  expect(stubDomainForm(version === undefined ? { server } : { server, version })).toBe(form);
});

describe('a Corefile that is there', () => {
  const own = '.:53 {\n    errors\n    forward . /etc/resolv.conf {\n       max_concurrent 1000\n    }\n}\n';

  test('keeps its own blocks and gets one more', () => {
    const changed = withStubDomain(own, 'coredns>1.4.0', '10.96.0.53');
    expect(changed.startsWith(own)).toBe(true);
    expect(stubDomainServers(changed)).toEqual(['10.96.0.53:53']);
  });

  test('never gets a second stub domain, and gives the first back', () => {
    const twice = withStubDomain(withStubDomain(own, 'coredns>1.4.0', '10.96.0.53'), 'coredns=1.4.0', '10.96.0.54');
    expect(stubDomainServers(twice)).toEqual(['10.96.0.54']);
    expect(withoutStubDomain(twice)).toBe(own);
  });

  test('without a stub domain forwards .global nowhere', () => {
    expect(stubDomainServers(own)).toEqual([]);
  });
});

describe('the ConfigMap for KubeDNS', () => {
  test('hands .global to one server, by KubeDNS’s own rule', () => {
    expect(kubeDnsStubDomains(stubDomainConfigMap('kube-dns', '10.96.0.53'))).toEqual({ global: ['10.96.0.53'] });
  });

  test('with a name in place of an address would be refused', () => {
    expect(() => kubeDnsStubDomains(stubDomainConfigMap('kube-dns', 'istiocoredns'))).toThrow(
      expect.objectContaining({ code: 'MP606' }),
    );
  });
});
