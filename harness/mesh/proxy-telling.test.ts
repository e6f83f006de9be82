import { expect, test } from 'vitest';
import { untold, type Told } from './proxy-telling.ts';

const own = [
  'accessLogEncoding: JSON',
  'accessLogFile: /dev/stdout',
  'defaultConfig:',
  '  proxyStatsMatcher:',
  '    inclusionRegexps:',
  '    - cluster\\.outbound.*upstream_(cx|rq)_.*',
].join('\n');
const all: readonly Told[] = ['access log', 'counters'];

test.each<[string, readonly Told[], string, RegExp | undefined]>([
  ['meshproof’s own mesh tells everything', all, own, undefined],
  ['a mesh as Istio installs it tells nothing', ['access log'], 'trustDomain: cluster.local\n', /as JSON/],
  ['… and counts nothing', ['counters'], 'trustDomain: cluster.local\n', /does not count/],
  ['logs as text cannot be read', all, own.replace('JSON', 'TEXT'), /accessLogEncoding: JSON/],
  ['a pattern for other counters does not do', all, own.replace('outbound', 'inbound'), /inclusionRegexps/],
  [
    'a prefix does as well',
    ['counters'],
    'defaultConfig: {proxyStatsMatcher: {inclusionPrefixes: [cluster.]}}',
    undefined,
  ],
  ['who reads nothing misses nothing', [], '', undefined],
  ['what cannot be read is believed', all, '{', undefined],
])('%s', (_what, reads, meshConfig, says) => {
  if (says === undefined) expect(untold(reads, meshConfig)).toBeUndefined();
  else expect(untold(reads, meshConfig)).toMatch(says);
});
