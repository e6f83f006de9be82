import { expect, test } from 'vitest';
import { nearestTags, parseImage } from './registry.ts';

test.each([
  ['alpine', 'registry-1.docker.io', 'library/alpine', 'latest', undefined],
  ['kindest/node:v1.34.11', 'registry-1.docker.io', 'kindest/node', 'v1.34.11', undefined],
  ['docker.io/istio/pilot:1.31.0', 'registry-1.docker.io', 'istio/pilot', '1.31.0', undefined],
  ['docker.io/alpine:3', 'registry-1.docker.io', 'library/alpine', '3', undefined],
  ['quay.io/metallb/speaker:v0.15.2', 'quay.io', 'metallb/speaker', 'v0.15.2', undefined],
  ['localhost:5000/a/b/c:1@sha256:00', 'localhost:5000', 'a/b/c', '1', 'sha256:00'],
  ['127.0.0.1:5000/docker.io/istio/pilot@sha256:00', '127.0.0.1:5000', 'docker.io/istio/pilot', 'latest', 'sha256:00'],
])('%s is taken apart as docker does', (name, registry, repository, tag, digest) => {
  expect(parseImage(name)).toEqual({ registry, repository, tag, digest });
});

test('the nearest tags: the same version written differently, then by patch, minor and major', () => {
  expect(nearestTags('v1.34.4', ['v1.34.0', 'v1.34.2', 'v1.34.3', 'v1.34.8', 'v1.34.11', 'v1.35.1', 'latest'])).toEqual(
    ['v1.34.3', 'v1.34.2', 'v1.34.8'],
  );
  expect(nearestTags('v2.18.3', ['2.17.1', '2.18.2', '2.18.3', 'latest', 'sha-1234567'])[0]).toBe('2.18.3');
  expect(nearestTags('1.31.9', ['1.31.1', '1.31.1-distroless', '1.31.10-distroless', '1.30.9'])).toEqual([
    '1.31.1',
    '1.30.9',
    '1.31.10-distroless',
  ]);
  expect(nearestTags('latest', ['1.0.0'])).toEqual([]);
});
