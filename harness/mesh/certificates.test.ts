import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CaCerts } from './ca-certs.ts';
import { issueAuthorities } from './certificate-authority.ts';
import { checkAuthorities } from './certificates.ts';

let issued: Record<string, CaCerts>;
let foreign: Record<string, CaCerts>;
beforeAll(async () => {
  [issued, foreign] = await Promise.all([issueAuthorities(['west', 'east']), issueAuthorities(['west'])]);
});

const west = (): CaCerts => issued['west'] as CaCerts;
const east = (): CaCerts => issued['east'] as CaCerts;
const refused = (code: string, words: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(words) });

describe('issued authorities', () => {
  test('carry one mesh: common root, an intermediate each, signed by it', async () => {
    await expect(checkAuthorities(issued)).resolves.toBeUndefined();
    expect(west()['root-cert.pem']).toBe(east()['root-cert.pem']);
    const [root, intermediate] = [
      new X509Certificate(west()['root-cert.pem']),
      new X509Certificate(west()['ca-cert.pem']),
    ];
    expect(intermediate.verify(root.publicKey)).toBe(true);
    expect(intermediate.ca && root.ca).toBe(true);
    expect(intermediate.subject).toContain('L=west');
  });

  test('have a chain of intermediate and root', () => {
    expect(west()['cert-chain.pem']).toBe(west()['ca-cert.pem'] + west()['root-cert.pem']);
  });
});

describe('authorities that cannot carry a mesh', () => {
  test('an expired intermediate', async () => {
    await expect(checkAuthorities(issued, { now: new Date(Date.now() + 3 * 365 * 86_400_000) })).rejects.toThrow(
      refused('MP602', 'has expired'),
    );
  });

  test('one that is not valid yet', async () => {
    await expect(checkAuthorities(issued, { now: new Date('2020-01-01') })).rejects.toThrow(
      refused('MP602', 'not valid yet'),
    );
  });

  test('a key of another certificate', async () => {
    await expect(checkAuthorities({ west: { ...west(), 'ca-key.pem': east()['ca-key.pem'] } })).rejects.toThrow(
      refused('MP603', 'not the private key'),
    );
  });

  test('an intermediate of another root', async () => {
    await expect(
      checkAuthorities({ west: { ...west(), 'root-cert.pem': foreign['west']?.['root-cert.pem'] ?? '' } }),
    ).rejects.toThrow(refused('MP603', 'not signed by'));
  });

  test('clusters of different roots', async () => {
    await expect(checkAuthorities({ east: east(), west: foreign['west'] as CaCerts })).rejects.toThrow(
      refused('MP603', 'do not share one root'),
    );
  });

  test('one intermediate for two clusters', async () => {
    await expect(checkAuthorities({ west: west(), east: west() })).rejects.toThrow(
      refused('MP603', 'same intermediate'),
    );
  });

  test('a chain that begins with something else', async () => {
    await expect(checkAuthorities({ west: { ...west(), 'cert-chain.pem': west()['root-cert.pem'] } })).rejects.toThrow(
      refused('MP603', 'does not begin'),
    );
  });

  test('a file that is no certificate', async () => {
    await expect(checkAuthorities({ west: { ...west(), 'ca-cert.pem': 'nothing' } })).rejects.toThrow(
      refused('MP603', 'no certificate'),
    );
  });
});

describe('Istio’s published sample CA', () => {
  const sample = (file: string): string =>
    readFileSync(new URL(`../../fixtures/sample-certs/${file}`, import.meta.url), 'utf8');
  const authority = (): CaCerts => ({
    'ca-cert.pem': sample('ca-cert.pem'),
    'ca-key.pem': 'published',
    'root-cert.pem': sample('root-cert.pem'),
    'cert-chain.pem': sample('cert-chain.pem'),
  });

  test('is refused', async () => {
    await expect(checkAuthorities({ west: authority() })).rejects.toThrow(refused('MP601', 'sample'));
  });

  test('passes that check, and fails only for its missing key, when asked for by name', async () => {
    await expect(checkAuthorities({ west: authority() }, { allowSampleCertificates: true })).rejects.toThrow(
      refused('MP603', 'not the private key'),
    );
  });
});
