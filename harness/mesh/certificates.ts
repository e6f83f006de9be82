import { createHash, createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { CaCerts } from './ca-certs.ts';

const day = 86_400_000;
const algorithm = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
} as const;
x509.cryptoProvider.set(webcrypto);

/**
 * SHA-256 fingerprints of the certificates in Istio's samples/certs. Their private keys are published, so nothing they
 * sign proves anything.
 */
const sampleFingerprints = new Set([
  '63727a1785cab47acec5c24cc0669c20824e8ae1ac28079a4d2f8c830592e7b0',
  'f867174e4a31f1792f8c0354a23f8f049bd4019729cd2ee579d67033065b2dc2',
  '11c9202c6be8ea5fcfb46d8591a8cf83b20eb97ade97234840851af8763ae428',
  '40ff5d9dcaa80833bb7291ef1f89acd9f4da11d6c6006b78897d3f9e2cff86b5',
  '677fbf661531ab421e73bfe7b2ebdb7ec5509174e3dfcd39d24b852e2d46d46c',
]);

/** @see issueAuthorities in certificate-authority.ts, which keeps the keys out of the evidence. */
export async function issueAuthorities(clusters: readonly string[], days: number): Promise<Record<string, CaCerts>> {
  const now = new Date(Date.now() - 5 * 60_000);
  const rootKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: 'O=Istio, CN=meshproof root CA',
    notBefore: now,
    notAfter: new Date(now.getTime() + 5 * days * day),
    keys: rootKeys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  });
  const issued = await Promise.all(
    clusters.map(async (cluster): Promise<[string, CaCerts]> => {
      const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const intermediate = await x509.X509CertificateGenerator.create({
        serialNumber: serial(),
        subject: `O=Istio, CN=meshproof intermediate CA, L=${cluster}`,
        issuer: root.subject,
        notBefore: now,
        notAfter: new Date(now.getTime() + days * day),
        publicKey: keys.publicKey,
        signingKey: rootKeys.privateKey,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(true, 0, true),
          new x509.KeyUsagesExtension(
            x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
            true,
          ),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
          await x509.AuthorityKeyIdentifierExtension.create(root.publicKey),
          new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'istiod.istio-system.svc' }]),
        ],
      });
      const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
      const [caCert, rootCert] = [pem(intermediate), pem(root)];
      return [
        cluster,
        {
          'ca-cert.pem': caCert,
          'ca-key.pem': `${key}\n`,
          'root-cert.pem': rootCert,
          'cert-chain.pem': caCert + rootCert,
        },
      ];
    }),
  );
  return Object.fromEntries(issued);
}

/** @see issueWorkload in certificate-authority.ts. */
export async function issueWorkload(
  authority: CaCerts,
  identity: string,
): Promise<{ readonly chain: string; readonly key: string }> {
  const issuer = parse(authority['ca-cert.pem'], 'ca-cert.pem', 'the issuing CA');
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decode(authority['ca-key.pem'])[0] ?? new ArrayBuffer(0),
    algorithm,
    false,
    ['sign'],
  );
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const now = new Date(Date.now() - 5 * 60_000);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: '',
    issuer: issuer.subject,
    notBefore: now,
    notAfter: new Date(now.getTime() + day),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth, x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: identity }], true),
    ],
  });
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { chain: pem(certificate) + authority['cert-chain.pem'], key: `${key}\n` };
}

export interface CheckOptions {
  /** Accept Istio's published sample CA; only ever for a demonstration. */
  readonly allowSampleCertificates?: boolean;
  readonly now?: Date;
}

/**
 * Checks that the CAs of all clusters can carry one mesh: each intermediate is valid now, belongs to its key, is signed
 * by its root, and all clusters share that root but not the intermediate.
 *
 * @throws MeshproofError MP601 for a sample CA, MP602 outside of its validity, MP603 when parts do not belong together.
 */
export async function checkAuthorities(
  authorities: Readonly<Record<string, CaCerts>>,
  options: CheckOptions = {},
): Promise<void> {
  const now = options.now ?? new Date();
  const seen: { cluster: string; root: string; intermediate: string }[] = [];
  for (const [cluster, files] of Object.entries(authorities)) {
    const where = `cluster ${cluster}`;
    const certificates = {
      'ca-cert.pem': parse(files['ca-cert.pem'], 'ca-cert.pem', where),
      'root-cert.pem': parse(files['root-cert.pem'], 'root-cert.pem', where),
    };
    for (const [file, certificate] of Object.entries(certificates)) {
      const print = fingerprint(certificate);
      if (options.allowSampleCertificates !== true && sampleFingerprints.has(print)) {
        throw new MeshproofError('MP601', {
          what: `${file} is Istio’s published sample`,
          where,
          seen: certificate.subject,
        });
      }
      if (now < certificate.notBefore || now > certificate.notAfter) {
        throw new MeshproofError('MP602', {
          what: `${file} ${now > certificate.notAfter ? 'has expired' : 'is not valid yet'}`,
          where,
          expected: `a validity that holds ${now.toISOString()}`,
          seen: `${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()}`,
        });
      }
    }
    const { 'ca-cert.pem': intermediate, 'root-cert.pem': root } = certificates;
    if (!(await intermediate.verify({ publicKey: root.publicKey, signatureOnly: true }))) {
      throw new MeshproofError('MP603', {
        what: 'ca-cert.pem is not signed by root-cert.pem',
        where,
        expected: `issuer ${root.subject}`,
        seen: `issuer ${intermediate.issuer}`,
      });
    }
    if (!keyBelongsTo(files['ca-key.pem'], intermediate)) {
      throw new MeshproofError('MP603', {
        what: 'ca-key.pem is not the private key of ca-cert.pem',
        where,
        seen: intermediate.subject,
      });
    }
    const head = parse(files['cert-chain.pem'], 'cert-chain.pem', where);
    if (fingerprint(head) !== fingerprint(intermediate)) {
      throw new MeshproofError('MP603', {
        what: 'cert-chain.pem does not begin with ca-cert.pem',
        where,
        seen: head.subject,
      });
    }
    seen.push({ cluster, root: fingerprint(root), intermediate: fingerprint(intermediate) });
  }
  const [first, ...others] = seen;
  for (const other of others) {
    if (first !== undefined && other.root !== first.root) {
      throw new MeshproofError('MP603', {
        what: 'the clusters do not share one root',
        where: `clusters ${first.cluster} and ${other.cluster}`,
        expected: first.root,
        seen: other.root,
      });
    }
    const twin = seen.find(
      (candidate) => candidate.cluster !== other.cluster && candidate.intermediate === other.intermediate,
    );
    if (twin !== undefined && options.allowSampleCertificates !== true) {
      throw new MeshproofError('MP603', {
        what: 'two clusters use the same intermediate',
        where: `clusters ${twin.cluster} and ${other.cluster}`,
        expected: 'one intermediate for each cluster',
      });
    }
  }
}

/** SHA-256 over the certificate's DER, lower-case hex. */
export function fingerprint(certificate: { readonly rawData: ArrayBuffer }): string {
  return createHash('sha256').update(Buffer.from(certificate.rawData)).digest('hex');
}

function keyBelongsTo(keyPem: string, certificate: x509.X509Certificate): boolean {
  try {
    const publicKey = createPublicKey(createPrivateKey(keyPem)).export({ type: 'spki', format: 'der' });
    return Buffer.from(certificate.publicKey.rawData).equals(publicKey);
  } catch {
    // Not a private key at all: that is what the caller reports.
    return false;
  }
}

function parse(text: string, file: string, where: string): x509.X509Certificate {
  try {
    const [der] = x509.PemConverter.decode(text);
    if (der !== undefined) return new x509.X509Certificate(der);
  } catch (cause) {
    throw new MeshproofError('MP603', { what: `${file} holds no certificate`, where, cause });
  }
  throw new MeshproofError('MP603', { what: `${file} holds no certificate`, where });
}

const pem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return Buffer.from(bytes).toString('hex');
}
