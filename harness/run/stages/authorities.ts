import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import type { CaCerts } from '../../mesh/ca-certs.ts';
import { issueAuthorities } from '../../mesh/certificate-authority.ts';
import { checkAuthorities } from '../../mesh/certificates.ts';
import type { Config } from '../../config/config.ts';
import { stateFolder } from '../../environment/state.ts';

const files = ['ca-cert.pem', 'ca-key.pem', 'root-cert.pem', 'cert-chain.pem'] as const;

/**
 * The CAs of the clusters: the user's own (`pki.folder`, one sub-folder a cluster), or fresh ones. Either way they are
 * checked before any cluster is made.
 *
 * @throws MeshproofError MP102 when a file is missing; MP601, MP602, MP603 when they cannot carry one mesh.
 */
export async function provideAuthorities(config: Config): Promise<Record<string, CaCerts>> {
  const { folder, allowSampleCertificates } = config.pki;
  const authorities =
    folder === undefined
      ? await issueAuthorities(config.clusters)
      : Object.fromEntries(
          await Promise.all(
            config.clusters.map(async (cluster) => [cluster, await readCaCerts(join(folder, cluster))] as const),
          ),
        );
  await checkAuthorities(authorities, { allowSampleCertificates });
  if (folder === undefined) await keepCertificates(config.name, authorities);
  return authorities;
}

async function readCaCerts(folder: string): Promise<CaCerts> {
  const texts = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(folder, file), 'utf8').catch((cause: unknown) => {
        throw new MeshproofError('MP102', {
          what: `pki.folder has no ${file}`,
          where: folder,
          expected: files.join(', '),
          cause,
        });
      });
      return [file, text] as const;
    }),
  );
  return Object.fromEntries(texts) as Record<(typeof files)[number], string>;
}

/** Keeps the certificates, never the keys, beside the kubeconfigs: for `openssl verify` by hand. */
async function keepCertificates(name: string, authorities: Readonly<Record<string, CaCerts>>): Promise<void> {
  for (const [cluster, { 'ca-key.pem': _key, ...certificates }] of Object.entries(authorities)) {
    const folder = join(stateFolder(name), 'pki', cluster);
    await mkdir(folder, { recursive: true });
    for (const [file, text] of Object.entries(certificates)) await writeFile(join(folder, file), text);
  }
}
