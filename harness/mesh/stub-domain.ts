import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { systemNamespace } from './operator.ts';

/**
 * The four ways of the walkthrough ("Setup DNS") to hand `.global` to a name server of the mesh, by what the cluster's
 * DNS is.
 */
export type StubDomainForm = 'kube-dns' | 'coredns<1.4.0' | 'coredns=1.4.0' | 'coredns>1.4.0';

/**
 * Which form a cluster needs.
 *
 * @param dns name of the DNS server, and its version where it is CoreDNS: "1.12.4"
 */
export function stubDomainForm(dns: {
  readonly server: 'kube-dns' | 'coredns';
  readonly version?: string;
}): StubDomainForm {
  if (dns.server === 'kube-dns') return 'kube-dns';
  const [major = 0, minor = 0, patch = 0] = (dns.version ?? '')
    .replace(/^v/, '')
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  const order = major - 1 || minor - 4 || patch;
  if (order === 0) return 'coredns=1.4.0';
  return order < 0 ? 'coredns<1.4.0' : 'coredns>1.4.0';
}

/**
 * The walkthrough's ConfigMap for a form, word for word. CoreDNS forms replace the whole Corefile; `withStubDomain`
 * adds to one that is there.
 */
export function stubDomainConfigMap(form: StubDomainForm, server: string): KubernetesObject {
  if (form === 'kube-dns') return configMap('kube-dns', { stubDomains: `{"global": ["${server}"]}\n` });
  return configMap('coredns', { Corefile: stubDomainCorefile(form, server) });
}

/** The walkthrough's whole Corefile for a form, word for word. */
export function stubDomainCorefile(form: Exclude<StubDomainForm, 'kube-dns'>, server: string): string {
  return `${rootBlock(form)}\n${globalBlock(form, server)}\n`;
}

/**
 * The Corefile that a cluster runs, with the stub domain added, or replaced where there was one: what a cluster of
 * today needs, whose own blocks must stay as they are.
 */
export function withStubDomain(corefile: string, form: Exclude<StubDomainForm, 'kube-dns'>, server: string): string {
  return `${withoutStubDomain(corefile).trimEnd()}\n${globalBlock(form, server)}\n`;
}

/** The Corefile without a block for `global:53`. */
export function withoutStubDomain(corefile: string): string {
  return corefile.replaceAll(/^global:53 \{\n(?: .*\n)*\}\n?/gm, '');
}

/**
 * The name servers of each stub domain in a ConfigMap for KubeDNS, read by KubeDNS's own rule (k8s.io/dns,
 * pkg/dns/config: a map of domains to lists of IP addresses, each with a port or without).
 *
 * @throws MeshproofError MP606 for an address that KubeDNS would refuse.
 */
export function kubeDnsStubDomains(configMap: KubernetesObject): Record<string, string[]> {
  const { data } = z.looseObject({ data: z.object({ stubDomains: z.string() }) }).parse(configMap);
  const domains = z.record(z.string(), z.array(z.string())).parse(JSON.parse(data.stubDomains));
  for (const server of Object.values(domains).flat()) {
    if (!ipaddr.isValid(server.replace(/:\d+$/, '')))
      throw new MeshproofError('MP606', {
        what: `KubeDNS takes no name server ${server}`,
        expected: 'an IP address, with a port or without',
      });
  }
  return domains;
}

/**
 * The addresses that a Corefile forwards `.global` to: how a form is checked where that CoreDNS itself cannot be had.
 */
export function stubDomainServers(corefile: string): string[] {
  const block = /^global:53 \{\n((?: .*\n)*)\}/m.exec(corefile)?.[1] ?? '';
  return (/^\s*forward \. (.*)$/m.exec(block)?.[1] ?? '').split(/\s+/).filter((word) => word !== '');
}

export interface GlobalNameServer {
  /** An image with CoreDNS; the cluster's own serves. */
  readonly image: string;
  /** Host → address. */
  readonly hosts: Readonly<Record<string, string>>;
}

/** A Corefile that answers `.global` from a fixed list, which is what istiocoredns made out of the ServiceEntries. */
export function globalCorefile(hosts: Readonly<Record<string, string>>, plugins: readonly string[] = []): string {
  const lines = Object.entries(hosts).map(([host, address]) => `        ${address} ${host}`);
  return [
    '.:53 {',
    '    errors',
    ...plugins.map((plugin) => `    ${plugin}`),
    '    hosts {',
    ...lines,
    '    }',
    '}',
    '',
  ].join('\n');
}

/**
 * The name server that stands in for istiocoredns, which Istio dropped in 1.9.
 */
export function globalNameServer({ image, hosts }: GlobalNameServer): KubernetesObject[] {
  const labels = { app: 'istiocoredns' };
  const name = 'istiocoredns';
  const corefile = globalCorefile(hosts, ['ready']);
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: systemNamespace },
      data: { Corefile: corefile },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: systemNamespace },
      spec: {
        selector: labels,
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        ],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: systemNamespace },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels: { ...labels, 'sidecar.istio.io/inject': 'false' } },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [
              {
                name: 'coredns',
                image,
                imagePullPolicy: 'IfNotPresent',
                args: ['-conf', '/etc/coredns/Corefile'],
                readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
                volumeMounts: [{ name: 'config', mountPath: '/etc/coredns' }],
              },
            ],
            volumes: [{ name: 'config', configMap: { name } }],
          },
        },
      },
    },
  ];
}

function configMap(name: string, data: Record<string, string>): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'kube-system' }, data };
}

function globalBlock(form: Exclude<StubDomainForm, 'kube-dns'>, server: string): string {
  // 1.4.0 took no port here.
  const target = form === 'coredns=1.4.0' ? server : `${server}:53`;
  return ['global:53 {', '    errors', '    cache 30', `    forward . ${target}`, '}'].join('\n');
}

function rootBlock(form: Exclude<StubDomainForm, 'kube-dns'>): string {
  return [
    '.:53 {',
    '    errors',
    '    health',
    ...(form === 'coredns>1.4.0' ? ['    ready'] : []),
    '    kubernetes cluster.local in-addr.arpa ip6.arpa {',
    '       pods insecure',
    '       upstream',
    '       fallthrough in-addr.arpa ip6.arpa',
    '    }',
    '    prometheus :9153',
    // `proxy` was replaced by `forward` in 1.4.0.
    form === 'coredns<1.4.0' ? '    proxy . /etc/resolv.conf' : '    forward . /etc/resolv.conf',
    '    cache 30',
    '    loop',
    '    reload',
    '    loadbalance',
    '}',
  ].join('\n');
}
