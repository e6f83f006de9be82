import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/**
 * Runs that this project recorded: green ones of every scenario (one of another Istio), and one for each fault that was
 * put into a real mesh.
 */
export type RecordedRun =
  'green' | 'green-april' | 'green-august' | `fault-${'authz' | 'sidecar' | 'abort' | 'sni' | 'gateway' | 'tls'}`;

/** Unpacks a recorded run (scripts/record-run.ts packs them) into a folder of its own, and returns it; for tests. */
export async function unpackRun(name: RecordedRun): Promise<string> {
  const packed = await readFile(new URL(`../../fixtures/runs/${name}.json.br`, import.meta.url));
  const files = JSON.parse(brotliDecompressSync(packed).toString()) as Record<string, string>;
  const folder = await mkdtemp(join(tmpdir(), `meshproof-${name}-`));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return folder;
}
