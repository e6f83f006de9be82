import { describe, expect, test } from 'vitest';
import { loadConfig, parseConfig } from './config.ts';

const parse = (text: string): ReturnType<typeof parseConfig> => parseConfig(text, 'meshproof.yaml');
const refused = (details: object): unknown =>
  expect.objectContaining({ code: 'MP102', details: expect.objectContaining(details) });

test('an empty file gives the defaults', () => {
  expect(parse('')).toMatchObject({
    name: 'meshproof',
    clusters: ['west', 'east'],
    provider: 'kind',
    toolchain: 'auto',
  });
});

test('options of the command line win', () => {
  expect(parseConfig('toolchain: release', 'f', { toolchain: 'source', provider: undefined })).toMatchObject({
    toolchain: 'source',
    provider: 'kind',
  });
});

test('address pools are ranges', () => {
  expect(parse('addressPools: {west: 10.0.0.1-10.0.0.9, east: 10.0.1.1-10.0.1.9}').addressPools?.['west']).toEqual({
    first: '10.0.0.1',
    last: '10.0.0.9',
  });
});

describe('a broken file is refused with its line', () => {
  test('an unknown key', () => {
    expect(() => parse('name: m\nclusers: [a, b]\n')).toThrow(
      refused({
        what: 'unknown key "clusers"',
        where: 'meshproof.yaml:2',
        expected: expect.stringContaining('clusters'),
      }),
    );
  });

  test('an unknown key further in', () => {
    expect(() => parse('pki:\n  folder: x\n  sample: true\n')).toThrow(
      refused({ what: 'unknown key "pki.sample"', where: 'meshproof.yaml:3' }),
    );
  });

  test('a value of the wrong type', () => {
    expect(() => parse('name: m\nprovider: minikube\n')).toThrow(
      refused({ what: 'wrong value for "provider"', where: 'meshproof.yaml:2' }),
    );
  });

  test('one cluster', () => {
    expect(() => parse('clusters: [west]')).toThrow(refused({ what: 'wrong value for "clusters"' }));
  });

  test('two clusters of one name', () => {
    expect(() => parse('clusters: [west, west]')).toThrow(refused({ expected: 'cluster names must differ' }));
  });

  test('a pool of a cluster that is not there', () => {
    expect(() => parse('addressPools: {north: 10.0.0.1-10.0.0.9}')).toThrow(
      refused({ expected: expect.stringContaining('no cluster is named "north"') }),
    );
  });

  test('a pool that is no range', () => {
    expect(() => parse('addressPools: {west: 10.0.0.0/24}')).toThrow(
      refused({ what: 'wrong value for "addressPools.west"' }),
    );
  });

  test('the provider existing without contexts', () => {
    expect(() => parse('provider: existing')).toThrow(
      refused({ expected: expect.stringContaining('needs a context for cluster west') }),
    );
  });

  test('no YAML at all', () => {
    expect(() => parse('clusters: [west\nname: x: y')).toThrow(refused({ what: 'meshproof.yaml is not valid YAML' }));
  });

  test('a file that was asked for and is not there', async () => {
    await expect(loadConfig('/nowhere/meshproof.yaml')).rejects.toThrow(
      refused({ what: expect.stringContaining('cannot be read') }),
    );
  });
});
