import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../assets/package-files.ts';
import { offers, providerNames, providerNamed } from './registry.ts';

/** Folders in which a provider or a topology may know its own name. */
const own = ['harness/cluster/providers/', 'harness/mesh/topologies/'];

/** What runs, tests left out, by path. */
const codeFiles = async (): Promise<string[]> =>
  (await readdir(join(packageRoot, 'harness'), { recursive: true }))
    .map((name) => `harness/${name}`)
    .filter((file) => file.endsWith('.ts') && !/\.(test|slow)\.ts$/.test(file));

test('nothing outside of the registries branches on the name of a provider or a topology', async () => {
  const files = (await codeFiles()).filter((file) => !own.some((folder) => file.startsWith(folder)));
  const branches: string[] = [];
  for (const file of files) {
    const lines = (await readFile(join(packageRoot, file), 'utf8')).split('\n');
    for (const [index, line] of lines.entries())
      if (
        /([!=]==|case)\s*'(kind|existing|replicated|multi-primary)'/.test(line) ||
        /'(kind|existing|replicated|multi-primary)'\s*[!=]==/.test(line)
      )
        branches.push(`${file}:${index + 1} ${line.trim()}`);
  }
  expect(files.length).toBeGreaterThan(200);
  expect(branches).toEqual([]);
});

/** Where gateways have names: in the mesh itself, and in what stands in for one. */
const gatewaysAreNamed = /^harness\/(mesh\/|cluster\/stand-in\/|fault\/)/;

test('nothing outside of the mesh knows one topology’s gateways, or one provider’s network, by name', async () => {
  const named: string[] = [];
  for (const file of await codeFiles()) {
    const lines = (await readFile(join(packageRoot, file), 'utf8')).split('\n');
    for (const [index, line] of lines.entries()) {
      if (/^\s*(\/\/|\/?\*)/.test(line)) continue;
      const gateway = !gatewaysAreNamed.test(file) && /['"`/ ]istio-(in|e)gressgateway['"`]/.test(line);
      const network = file.startsWith('harness/lab/') && line.includes("'kind'");
      if (gateway || network) named.push(`${file}:${index + 1} ${line.trim()}`);
    }
  }
  expect(named).toEqual([]);
});

test.each(providerNames)('%s says what its clusters can be used for', (name) => {
  const { capabilities, network, nodeOf } = providerNamed(name);
  for (const capability of capabilities) expect(offers(name, capability)).toBe(true);
  // Whose network containers join, and whose nodes are containers, is what meshproof made.
  if (network !== undefined || nodeOf !== undefined) expect(offers(name, 'ownsCluster')).toBe(true);
});
