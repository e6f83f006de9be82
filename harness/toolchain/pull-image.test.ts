import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Docker } from './docker.ts';
import { pullImage } from './pull-image.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A docker program whose pull says these words one try after the other, and then succeeds. */
async function dockerThatSays(...words: readonly string[]): Promise<{ docker: Docker; tries: () => Promise<number> }> {
  const program = join(folder, 'docker');
  const count = join(folder, 'count');
  const cases = words.map((text, index) => `${index + 1}) echo '${text}' >&2; exit 1;;`);
  await writeFile(
    program,
    ['#!/bin/sh', `echo >> ${count}`, `case $(wc -l < ${count}) in`, ...cases, 'esac', 'echo sha256:1', ''].join('\n'),
  );
  await chmod(program, 0o755);
  return {
    docker: new Docker(program),
    tries: async () => (await readFile(count, 'utf8')).length,
  };
}

test.each([
  'toomanyrequests: You have reached your pull rate limit.',
  'Error response from daemon: received unexpected HTTP status: 503 Service Unavailable',
  'Error response from daemon: Get "https://registry-1.docker.io/v2/": net/http: TLS handshake timeout',
  'Error response from daemon: Get "https://registry-1.docker.io/v2/": context deadline exceeded',
  'error pulling image configuration: unexpected EOF',
  'read tcp 10.0.0.1:443: read: connection reset by peer',
  'failed to copy: httpReadSeeker: failed open: unexpected status code 502 Bad Gateway',
])('a pull is tried again after: %s', async (words) => {
  const { docker, tries } = await dockerThatSays(words, words);
  await pullImage(docker, 'kindest/node:v1', { firstPause: 5 });
  expect(await tries()).toBe(3);
});

test.each([
  'Error response from daemon: manifest for istio/pilot:9 not found: manifest unknown: manifest unknown',
  'Error response from daemon: pull access denied for nobody/x, repository does not exist or may require ' +
    'docker login: denied: requested access to the resource is denied',
  'Error response from daemon: Head "https://r/v2/x/manifests/1": unauthorized: authentication required',
  'Error response from daemon: Get "https://r/v2/": tls: failed to verify certificate: x509: certificate ' +
    'signed by unknown authority',
  'failed to register layer: write /usr/bin/x: no space left on device',
])('a pull is not tried again after: %s', async (words) => {
  const { docker, tries } = await dockerThatSays(words);
  await expect(pullImage(docker, 'kindest/node:v1', { firstPause: 5 })).rejects.toMatchObject({
    code: 'MP302',
    details: { what: expect.stringContaining('pull kindest/node:v1'), seen: words },
  });
  expect(await tries()).toBe(1);
});

test('a limit that stays is reported with the number of tries and what raises it', async () => {
  const { docker, tries } = await dockerThatSays(...Array<string>(10).fill('toomanyrequests: slow down'));
  await expect(pullImage(docker, 'kindest/node:v1', { firstPause: 1 })).rejects.toMatchObject({
    code: 'MP302',
    details: { what: expect.stringContaining('6 times'), remedy: expect.stringContaining('docker login') },
  });
  expect(await tries()).toBe(6);
});
