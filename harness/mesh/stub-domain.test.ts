import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { stubDomainConfigMap, stubDomainForm, stubDomainServers, withoutStubDomain, withStubDomain, type StubDomainForm } from './stub-domain.ts';

/** The four ConfigMaps as the page prints them, in its order. */
const page = parse(readFileSync(new URL('../../fixtures/walkthrough/stub-domains.yaml', import.meta.url), 'utf8')) as Record<StubDomainForm, object>;

test.each(Object.entries(page) as [StubDomainForm, object][])('%s is the page’s ConfigMap, word for word', (form, expected) => {
  expect(stubDomainConfigMap(form, '10.96.0.53')).toEqual(expected);
});

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
