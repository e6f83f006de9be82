/** Istio's plug-in CA of one cluster: the four files of the secret `cacerts`, as PEM texts. */
export interface CaCerts {
  readonly 'ca-cert.pem': string;
  readonly 'ca-key.pem': string;
  readonly 'root-cert.pem': string;
  readonly 'cert-chain.pem': string;
}
