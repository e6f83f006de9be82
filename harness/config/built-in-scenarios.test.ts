import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { packageRoot } from '../assets/package-files.ts';
import { pageSample } from '../scenario/remote-sample.ts';
import { builtIn, listScenarios } from './scenario-files.ts';

const metas = (await listScenarios([builtIn])).map(({ meta }) => meta);
const page = new Set(pageSample.needs.namespaces);

test('scenarios share no namespace, host or address, but for those that play the page with its own names', () => {
  const owners = new Map<string, string[]>();
  for (const { id, needs } of metas) {
    const things = [
      ...needs.namespaces.filter((name) => !page.has(name)).map((name) => `namespace ${name}`),
      ...(needs.hosts ?? []).filter(({ host }) => host !== pageSample.service.host).map(({ host }) => `host ${host}`),
      // Of two services at one address the older is reached: one scenario is about that, and about nothing else.
      ...new Set((needs.hosts ?? []).flatMap(({ address }) => address ?? [])),
    ];
    for (const thing of things.filter((one) => one !== pageSample.service.address))
      owners.set(thing, [...(owners.get(thing) ?? []), id]);
  }
  expect([...owners].filter(([, ids]) => ids.length > 1)).toEqual([]);
  expect(owners.size).toBeGreaterThan(20);
});

test('the page’s own names are used by the scenarios that the walkthrough shows with them', () => {
  const withPage = metas.filter(({ needs }) => needs.namespaces.some((name) => page.has(name)));
  expect(withPage.map(({ id }) => id).sort()).toEqual([
    'direct-sidecar',
    'egress-gateway/hostname',
    'egress-gateway/ip-address',
    'prerequisites',
    'version-subsets',
  ]);
  expect(withPage.filter(({ walkthrough = [] }) => walkthrough.length === 0)).toEqual([]);
});

test('there are 87 claims about the page’s topology and 4 about multi-primary, each under a key of its own', () => {
  const counts: Record<string, number> = {};
  for (const { claims, needs } of metas) {
    const [topology = 'replicated'] = needs.topologies ?? [];
    counts[topology] = (counts[topology] ?? 0) + Object.keys(claims).length;
    expect(new Set(Object.values(claims)).size).toBe(Object.keys(claims).length);
  }
  expect(counts).toEqual({ replicated: 87, 'multi-primary': 4 });
});

test('the least rights for clusters of your own lend the namespaces of every scenario that plays there', async () => {
  const manifest = parseAllDocuments(await readFile(join(packageRoot, 'docs', 'existing-rbac.yaml'), 'utf8')).map(
    (document) => document.toJS() as { kind: string; metadata: { name: string; namespace?: string; labels?: object } },
  );
  const lent = manifest.filter(({ kind, metadata }) => kind === 'Namespace' && metadata.labels !== undefined);
  const bound = manifest.filter(
    ({ kind, metadata }) => kind === 'RoleBinding' && metadata.name === 'meshproof-samples',
  );
  const there = metas.filter(
    ({ needs }) => needs.topologies === undefined && !(needs.ownsMesh ?? needs.ownsCluster ?? false),
  );
  const wanted = [...new Set(there.flatMap(({ needs }) => needs.namespaces))].sort();
  expect(wanted).toContain('node-port-client');
  expect(lent.map(({ metadata }) => metadata.name).sort()).toEqual(wanted);
  expect(bound.map(({ metadata }) => metadata.namespace).sort()).toEqual(wanted);
});
