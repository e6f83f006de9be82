/**
 * Whose build of Envoy a proxy image carries. Istio's has filters of its own (ALPN, metadata exchange, stats);
 * upstream's rejects a listener that names them, so istiod must then not configure them.
 */
export type EnvoyBuild = 'istio' | 'upstream';

/** The label by which a proxy image says that its Envoy is `upstream`; without it, Istio's is meant. */
export const envoyLabel = 'meshproof.envoy';

/**
 * The images of a run, by role. All but `node` are inside of the node image already, so that no cluster pulls anything.
 */
export interface ImageSet {
  /** kind's node image with everything baked in. */
  readonly node: string;
  /** Istio's hub and tag: `<hub>/pilot:<tag>` and `<hub>/proxyv2:<tag>`, and whose Envoy the proxy's image carries. */
  readonly istio: { readonly hub: string; readonly tag: string; readonly envoy: EnvoyBuild };
  readonly metallb: { readonly controller: string; readonly speaker: string };
  readonly httpbin: { readonly image: string; readonly port: number };
  /** An image with curl and a shell, for the sleep workload and for clients outside of the mesh. */
  readonly curl: string;
  /**
   * CoreDNS as it was, by version: servers outside of the clusters that prove the walkthrough's older stub-domain
   * forms.
   */
  readonly coredns: Readonly<Record<'1.2.6' | '1.4.0', string>>;
  /** MetalLB's own manifest, as text on disk. */
  readonly metallbManifest: string;
  /** True when the node image is ours and brings its own bridge network plugin; kind's own image brings kindnet. */
  readonly ownNode: boolean;
}
