import type { Platform } from './published-image.ts';
import type { PublishedImage } from './published-image.ts';

/**
 * What is known to be published, by hand from public records; `published.ts` makes names and URLs of it. A value is
 * here only when a record of it was found, most of them in several places that do not copy each other. Where there is
 * none, the field stays undefined: such a file is checked against its publisher's checksum file, and never taken from a
 * mirror.
 */
type BySystem = Readonly<Partial<Record<Platform, string>>>;

export interface KubernetesRecord {
  readonly version: string;
  readonly kubectl: BySystem;
  readonly kubectlEvidence: string;
  /** kind's image for the kind version of `publishedOnce`: another kind has another digest for the same tag. */
  readonly node: string;
  readonly nodeEvidence: string;
}

export interface IstioRecord {
  readonly version: string;
  readonly istioctl: BySystem;
  readonly istioctlEvidence: string;
  readonly pilot: string | undefined;
  readonly proxyv2: string | undefined;
  readonly imageEvidence: string;
}

const kindNotes = 'https://github.com/kubernetes-sigs/kind/releases/tag/v0.33.0 (“Images pre-built for this release”)';

/** Published once for all choices. */
export const publishedOnce = {
  kind: {
    version: 'v0.33.0',
    sha256: {
      'linux/amd64': 'aee6151561422756b764a4ae28e7f44cda5af5a9eead3cc9985112b1de8d8e0d',
      'linux/arm64': '20022bee6cfcd5086cb7234d218e3454e6090022f2a8f55d1fa7fcf42c3867a2',
      'darwin/amd64': '5a99f26f57246dc9319dd294803313197a0f34d33c525b3ea8b655db5916ece0',
      'darwin/arm64': '0c8c7dbe5e23594a198b786c4bc13dacc101fa6196b0cb0b23a1ca44e61f4b4f',
    } satisfies BySystem as BySystem,
    evidence: 'the release’s .sha256sum files, quoted by cert-manager/makefile-modules modules/tools/00_mod.mk',
  },
  metallb: {
    version: 'v0.15.2',
    sha256: 'a1b04c376fb39c93265f551fe23716a3ae6e09b790edb3bf257d3fc784c35a18',
    evidence:
      'config/manifests/metallb-native.yaml of the Go module go.universe.tf/metallb v0.15.2, which Go’s ' +
      'checksum database vouches for',
  },
  images: [
    {
      id: 'metallb-controller',
      name: 'quay.io/metallb/controller:v0.15.2',
      digest: 'sha256:417cdb6d6f9f2c410cceb84047d3a4da3bfb78b5ddfa30f4cf35ea5c667e8c2e',
      evidence: 'six public repositories that pin it by digest, among them Nix modules that pull it',
    },
    {
      id: 'metallb-speaker',
      name: 'quay.io/metallb/speaker:v0.15.2',
      digest: 'sha256:260c9406f957c0830d4e6cd2e9ac8c05e51ac959dd2462c4c2269ac43076665a',
      evidence: 'ten public repositories that pin it by digest, among them Nix modules that pull it',
    },
    {
      id: 'httpbin',
      // Tags carry no v since 2.17.
      name: 'mccutchen/go-httpbin:2.18.3',
      digest: 'sha256:3992f3763e9ce5a4307eae0a869a78b4df3931dc8feba74ab823dd2444af6a6b',
      evidence:
        'tests of public Python projects run ghcr.io/mccutchen/go-httpbin:2.18.3 by this digest; the release ' +
        'workflow pushes one build to both registries',
    },
    {
      id: 'curl',
      name: 'curlimages/curl:8.11.1',
      digest: 'sha256:c1fe1679c34d9784c1b0d1e5f62ac0a79fca01fb6377cdd33e90473c6f9f9a69',
      evidence: 'seven public repositories that run it by this digest',
    },
    {
      id: 'coredns-1.2.6',
      name: 'coredns/coredns:1.2.6',
      digest: 'sha256:81936728011c0df9404cb70b95c17bbc8af922ec9a70d0561a5d01fefa6ffa51',
      evidence:
        'https://github.com/coredns/corefile-migration migration/versions.go, and nodes’ status with both names',
    },
    {
      id: 'coredns-1.4.0',
      name: 'coredns/coredns:1.4.0',
      digest: 'sha256:70a92e9f6fc604f9b629ca331b6135287244a86612f550941193ec7e12759417',
      evidence: 'https://github.com/coredns/corefile-migration migration/versions.go',
    },
  ] satisfies readonly PublishedImage[] as readonly PublishedImage[],
};

/** kind v0.33.0's node images, and the kubectl of the same version. */
export const publishedKubernetes: readonly KubernetesRecord[] = [
  {
    version: 'v1.34.11',
    kubectl: {
      'linux/amd64': '8efbb9435132a190920eb65a47a8c1ecf755ad85ab57a600c9bedbab460bb7a8',
      'linux/arm64': '5b045a4712674c88a56fd98eef4285689738b7fbe8735e1b9ee3509521af5cb4',
    },
    kubectlEvidence:
      'https://dl.k8s.io/release/v1.34.11/bin/linux/<arch>/kubectl.sha256, quoted by five public repositories',
    node: 'sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d',
    nodeEvidence: kindNotes,
  },
  {
    version: 'v1.35.8',
    kubectl: {
      'linux/amd64': '874d5e72dbb819f43cff16bcd1e4f8bac5b7f2361fe1e55049b0a6c676fb0cbf',
      'linux/arm64': 'cc749967b62f4422260bc9c0aa7a7c55f45175ae38cb8d95767b5d2b7e04c1fd',
      'darwin/arm64': 'b8be50ae0c6665b646fb009f904a52cad30806deee19ab3b4fe5af2d68bd82eb',
    },
    kubectlEvidence:
      'https://dl.k8s.io/release/v1.35.8/bin/<os>/<arch>/kubectl.sha256, quoted by ten public repositories',
    node: 'sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0',
    nodeEvidence: kindNotes,
  },
  {
    version: 'v1.36.4',
    kubectl: {
      'linux/amd64': '8b8f088da2dab964f853b38464033b1be15ede2839eca751482357c45abdd05a',
      'linux/arm64': '0ecf44450ee6063bf19dd166a103ee6df4a9034455c2abce626e6eea657d73fb',
      'darwin/amd64': '71a3aa7c2ee2c974d9fbb462cba0c5c04a4df2e8d85eee94714fd819ea3c4e63',
      'darwin/arm64': 'c9e4f713d6fee0043a3d835cca13077cda2bc0973840eb9779360df0b5bdfc69',
    },
    kubectlEvidence:
      'https://dl.k8s.io/release/v1.36.4/bin/<os>/<arch>/kubectl.sha256, quoted by ten public repositories',
    node: 'sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed',
    nodeEvidence: kindNotes,
  },
  {
    version: 'v1.37.0',
    kubectl: {
      'linux/amd64': '6129359f4e1f3848a5572ccb0b26cf28b8ca08cef38c95a765b2f64a2c961a2f',
      'linux/arm64': '922df28df248cc00a9e025f947704f1d1482de64ece54cfe57e61f19eaf1eef3',
      'darwin/amd64': 'd5276c0f4fde77fc446070290f345944a7f1fda153df6b960e5fde93b7a9bccd',
      'darwin/arm64': '583beedaebe422e71d3f1a96acef8b1fef86ea2f09a45ad01aa6c9ce287c1380',
    },
    kubectlEvidence: 'cert-manager/makefile-modules modules/tools/00_mod.mk',
    node: 'sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5',
    nodeEvidence: kindNotes,
  },
];

export const publishedIstio: readonly IstioRecord[] = [
  {
    version: '1.30.4',
    istioctl: {
      'linux/amd64': 'feda625a00dfc69135f4692442ef66eb2fa8aea848b483348c330a1138fe392f',
      'linux/arm64': '1045d90978d5cc46ad77a7447bebf1a26c66c796c4499bbd83f62cfcb4631f95',
    },
    istioctlEvidence: 'a public lab’s list of pins, of 2026-09-19',
    pilot: 'sha256:c236c1df5cc127fe193e5a17d8ece9cdd0dc17c5d89b4e20baf01d464f029dce',
    proxyv2: 'sha256:43b6aeab7428470d3d0ea6b6f0bc217e5b36df2b279bba337643df48590226d9',
    imageEvidence: 'the same list, and the image IDs that a public run of another project recorded',
  },
  {
    version: '1.31.0',
    istioctl: {
      'linux/amd64': 'ef3f4368122c9008d344b7c824e563dae6fec9078eb2b90e87836063887d15a8',
      'linux/arm64': 'c2367fb837d8fd10ed9a742c1927d8207b06fdc5271255a7288eafd8f2a85d42',
      'darwin/amd64': '8bbc6e93757e342ca90aa7b14be1d4f77272afe65db2ea8545e62875619a0005',
      'darwin/arm64': 'a0c4d35320f930e5254de119512f0761f65a76fb614973281bf9435e24306d66',
    },
    istioctlEvidence:
      'the release’s .sha256 files, quoted for all four by one public install script; linux/amd64 also by ' +
      'play-builder/argocd-gitops versions.lock.yaml, darwin/arm64 by AhmadMasry/agent-mesh-lab build.txt of ' +
      '2026-09-21',
    pilot: undefined,
    proxyv2: 'sha256:e3b973cce2442c2883188d8cf839dff8a21075fab0e00e5079df6ef28c9caf17',
    imageEvidence:
      'proxyv2: four public repositories; pilot: pulled by name in public scripts, no record of its digest was found',
  },
];
