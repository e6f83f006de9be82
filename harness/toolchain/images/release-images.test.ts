import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Docker } from '../docker.ts';
import type { PublishedImage } from '../published-image.ts';
import { isThere, pull } from './release-images.ts';

const { signal } = new AbortController();
const digest = `sha256:${'a'.repeat(64)}`;
const pilot: PublishedImage = { id: 'pilot', name: 'istio/pilot:1.31.0', digest, evidence: 'a test' };
const mirror = { images: 'registry.example/copy' };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-test-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A docker program that writes down what it is asked for and answers with the lines of a shell script. */
async function dockerThat(...script: readonly string[]): Promise<{ docker: Docker; calls: () => Promise<string[]> }> {
  const program = join(folder, 'docker');
  const log = join(folder, 'calls');
  await writeFile(log, '');
  await writeFile(program, ['#!/bin/sh', `echo "$*" >> ${log}`, ...script, ''].join('\n'));
  await chmod(program, 0o755);
  return { docker: new Docker(program), calls: async () => (await readFile(log, 'utf8')).trim().split('\n') };
}

test('a pinned image is pulled by its digest, and then named', async () => {
  const { docker, calls } = await dockerThat();
  await pull(pilot, undefined, docker, signal);
  expect(await calls()).toEqual([`pull --quiet istio/pilot@${digest}`, `tag istio/pilot@${digest} istio/pilot:1.31.0`]);
});

test('from a mirror as well, whatever its tags say', async () => {
  const { docker, calls } = await dockerThat();
  await pull(pilot, { images: '127.0.0.1:5000' }, docker, signal);
  expect(await calls()).toEqual([
    `pull --quiet 127.0.0.1:5000/docker.io/istio/pilot@${digest}`,
    `tag 127.0.0.1:5000/docker.io/istio/pilot@${digest} istio/pilot:1.31.0`,
  ]);
});

test('an image without a pinned digest is pulled by its name, and never from a mirror', async () => {
  const { docker, calls } = await dockerThat();
  const unpinned = { ...pilot, name: 'istio/pilot:1.30.5', digest: undefined };
  await expect(pull(unpinned, mirror, docker, signal)).rejects.toThrow(
    expect.objectContaining({
      code: 'MP306',
      details: expect.objectContaining({ expected: expect.stringContaining('"istio/pilot:1.30.5"') }),
    }),
  );
  expect(await calls()).toEqual(['']);
  await pull(unpinned, undefined, docker, signal);
  expect(await calls()).toEqual(['pull --quiet istio/pilot:1.30.5']);
});

test('content that is not what the digest says is reported as such', async () => {
  const { docker } = await dockerThat(`echo 'manifest verification failed for digest ${digest}' >&2`, 'exit 1');
  await expect(pull(pilot, mirror, docker, signal)).rejects.toThrow(
    expect.objectContaining({ code: 'MP303', details: expect.objectContaining({ expected: digest }) }),
  );
});

test('an image of the same name with another digest does not count as there', async () => {
  const other = `sha256:${'b'.repeat(64)}`;
  const { docker } = await dockerThat(`echo 'istio/pilot@${other}'`);
  expect(await isThere(pilot, docker)).toBe(false);
  expect(await isThere({ ...pilot, digest: other }, docker)).toBe(true);
  expect(await isThere({ ...pilot, digest: undefined }, docker)).toBe(true);
});

test('an image that was named after a pull from a mirror counts as there', async () => {
  const { docker } = await dockerThat(`printf 'x@sha256:1\\nregistry.example/docker.io/istio/pilot@${digest}\\n'`);
  expect(await isThere(pilot, docker)).toBe(true);
});
