/** A platform that kind, kubectl and istioctl are published for. On Windows, WSL is Linux. */
export type Platform = 'linux/amd64' | 'linux/arm64' | 'darwin/amd64' | 'darwin/arm64';

/** An image in a public registry, for every platform that its index holds. */
export interface PublishedImage {
  readonly id: ImageId;
  /** Name and tag as people write it, e.g. `istio/pilot:1.31.0`. */
  readonly name: string;
  /** `sha256:` and 64 hex digits of the index, or undefined when no record of it was found. */
  readonly digest: string | undefined;
  readonly evidence: string | undefined;
}

export type ImageId =
  | 'node'
  | 'pilot'
  | 'proxyv2'
  | 'metallb-controller'
  | 'metallb-speaker'
  | 'httpbin'
  | 'curl'
  | 'coredns-1.2.6'
  | 'coredns-1.4.0';
