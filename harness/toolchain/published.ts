import type { Platform, PublishedImage } from './published-image.ts';
import { publishedIstio, publishedKubernetes, publishedOnce } from './published-records.ts';

export { publishedOnce };

/** The versions of a release edition that a run may choose. */
export interface ReleaseChoice {
  readonly istio: string;
  readonly kubernetes: string;
  /**
   * SHA-256 values that the user vouches for, in place of the list's: URL of a file, or name of an image, → 64 hex
   * digits. For a mirror that holds other builds under the publishers' names, and for versions that are not in the
   * list.
   */
  readonly pins?: Readonly<Record<string, string>> | undefined;
}

/** A file that a publisher serves. */
export interface PublishedFile {
  readonly id: 'kind' | 'kubectl' | 'istioctl' | 'metallb-manifest';
  readonly version: string;
  readonly url: string;
  /** 64 hex digits; undefined when no record of it was found, or when the version is not in the list. */
  readonly sha256: string | undefined;
  /** The publisher's own checksum file, asked where `sha256` is not known; MetalLB has none. */
  readonly checksumUrl: string | undefined;
  /** The public record that shows that the file exists; undefined for a version that is not in the list. */
  readonly evidence: string | undefined;
}

/** All that one release edition fetches. */
export interface Published {
  readonly files: readonly PublishedFile[];
  readonly images: readonly PublishedImage[];
}

/**
 * The files and images of a choice, with what is known of each. A version that is not in the list gets the names that
 * its publisher would give it, without hash and evidence.
 *
 * @param platform whose kind, kubectl and istioctl; images run on Linux of the same machine
 */
export function publishedFor(choice: ReleaseChoice, platform: Platform = platformOf()): Published {
  const istio = publishedIstio.find(({ version }) => version === choice.istio);
  const kubernetes = publishedKubernetes.find(({ version }) => version === choice.kubernetes);
  const { kind, metallb, images } = publishedOnce;
  const [system, architecture] = platform.split('/') as [string, string];

  const kindReleases = 'https://github.com/kubernetes-sigs/kind/releases/download';
  const kindUrl = `${kindReleases}/${kind.version}/kind-${system}-${architecture}`;
  const kubectlUrl = `https://dl.k8s.io/release/${choice.kubernetes}/bin/${system}/${architecture}/kubectl`;
  // Istio calls macOS osx.
  const istioctl = `istioctl-${choice.istio}-${system === 'darwin' ? 'osx' : system}-${architecture}.tar.gz`;
  const istioctlUrl = `https://github.com/istio/istio/releases/download/${choice.istio}/${istioctl}`;
  const files: readonly PublishedFile[] = [
    {
      id: 'kind',
      version: kind.version,
      url: kindUrl,
      sha256: kind.sha256[platform],
      checksumUrl: `${kindUrl}.sha256sum`,
      evidence: kind.evidence,
    },
    {
      id: 'kubectl',
      version: choice.kubernetes,
      url: kubectlUrl,
      sha256: kubernetes?.kubectl[platform],
      checksumUrl: `${kubectlUrl}.sha256`,
      evidence: kubernetes?.kubectlEvidence,
    },
    {
      id: 'istioctl',
      version: choice.istio,
      url: istioctlUrl,
      sha256: istio?.istioctl[platform],
      checksumUrl: `${istioctlUrl}.sha256`,
      evidence: istio?.istioctlEvidence,
    },
    {
      id: 'metallb-manifest',
      version: metallb.version,
      url: `https://raw.githubusercontent.com/metallb/metallb/${metallb.version}/config/manifests/metallb-native.yaml`,
      sha256: metallb.sha256,
      checksumUrl: undefined,
      evidence: metallb.evidence,
    },
  ];
  const chosen: readonly PublishedImage[] = [
    {
      id: 'node',
      name: `kindest/node:${choice.kubernetes}`,
      digest: kubernetes?.node,
      evidence: kubernetes?.nodeEvidence,
    },
    { id: 'pilot', name: `istio/pilot:${choice.istio}`, digest: istio?.pilot, evidence: istio?.imageEvidence },
    { id: 'proxyv2', name: `istio/proxyv2:${choice.istio}`, digest: istio?.proxyv2, evidence: istio?.imageEvidence },
    ...images,
  ];
  const { pins = {} } = choice;
  return {
    files: files.map((file) => ({ ...file, sha256: bareHex(pins[file.url]) ?? file.sha256 })),
    images: chosen.map((image) => {
      const pin = bareHex(pins[image.name]);
      return pin === undefined ? image : { ...image, digest: `sha256:${pin}` };
    }),
  };
}

/** The URLs and image names of a choice whose hash is the user's own word, where the list has another one or none. */
export function pinnedByUser(choice: ReleaseChoice): string[] {
  const { files, images } = publishedFor({ ...choice, pins: {} });
  const { pins = {} } = choice;
  return [
    ...files.map(({ url, sha256 }) => ({ name: url, known: sha256 })),
    ...images.map(({ name, digest }) => ({ name, known: digest })),
  ].flatMap(({ name, known }) => {
    const pin = bareHex(pins[name]);
    return pin === undefined || pin === bareHex(known) ? [] : [name];
  });
}

/** Everything of the list, each file and image once: all its versions together on all platforms. */
export function publishedEverything(): Published {
  const platforms: readonly Platform[] = ['linux/amd64', 'linux/arm64', 'darwin/amd64', 'darwin/arm64'];
  const all = publishedVersions.istio.flatMap((istio) =>
    publishedVersions.kubernetes.flatMap((kubernetes) =>
      platforms.map((platform) => publishedFor({ istio, kubernetes }, platform)),
    ),
  );
  const files = new Map(all.flatMap((one) => one.files.map((file) => [file.url, file])));
  const images = new Map(all.flatMap((one) => one.images.map((image) => [image.name, image])));
  return { files: [...files.values()], images: [...images.values()] };
}

/** The platform of a machine, this one by default. Anything but macOS takes the programs for Linux. */
export function platformOf(system: string = process.platform, architecture: string = process.arch): Platform {
  const chip = architecture === 'arm64' ? 'arm64' : 'amd64';
  return system === 'darwin' ? `darwin/${chip}` : `linux/${chip}`;
}

/** The releases that are known to be published, the newest last: what the matrix and `list --published` read. */
export const publishedVersions = {
  istio: publishedIstio.map(({ version }) => version),
  kubernetes: publishedKubernetes.map(({ version }) => version),
} as const;

const bareHex = (pin: string | undefined): string | undefined => pin?.replace(/^sha256:/, '').toLowerCase();
