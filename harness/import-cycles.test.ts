import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from './assets/package-files.ts';

type Graph = ReadonlyMap<string, readonly string[]>;

/** Every module of some folders, with the modules that it imports: for values, for types alone, and lazily. */
async function importsOf(folders: readonly string[]): Promise<Graph> {
  const graph = new Map<string, string[]>();
  for (const folder of folders) {
    for (const name of await readdir(join(packageRoot, folder), { recursive: true })) {
      const file = normalize(join(folder, name));
      if (!file.endsWith('.ts')) continue;
      const text = await readFile(join(packageRoot, file), 'utf8');
      const found = text.matchAll(/\b(?:from|import\()\s*'(\.[^']+\.ts)'/g);
      graph.set(
        file,
        [...found].map(([, path = '']) => join(dirname(file), path)),
      );
    }
  }
  return graph;
}

/** One circle through each module that is on any, as the way round. */
function circles(graph: Graph): string[] {
  const found = new Set<string>();
  for (const start of graph.keys()) {
    const ways: string[][] = [[start]];
    const seen = new Set<string>();
    for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
      for (const next of graph.get(way.at(-1) ?? '') ?? []) {
        // Each circle once, from the module that sorts first.
        if (next === start && way.every((file) => file >= start)) found.add([...way, start].join(' → '));
        if (seen.has(next) || next === start) continue;
        seen.add(next);
        ways.push([...way, next]);
      }
    }
  }
  return [...found].sort();
}

test('a circle of imports is found, whether it is direct or leads over others', () => {
  const graph: Graph = new Map([
    ['a.ts', ['b.ts']],
    ['b.ts', ['c.ts', 'd.ts']],
    ['c.ts', ['a.ts']],
    ['d.ts', ['e.ts']],
    ['e.ts', ['d.ts']],
    ['f.ts', ['a.ts']],
  ]);
  expect(circles(graph)).toEqual(['a.ts → b.ts → c.ts → a.ts', 'd.ts → e.ts → d.ts']);
});

test('modules do not import each other in circles, not even for types', async () => {
  const graph = await importsOf(['harness', 'scenarios', 'scripts']);
  expect(graph.size).toBeGreaterThan(300);
  expect(circles(graph)).toEqual([]);
});
